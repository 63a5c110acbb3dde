"""prompt_toolkit's view of the candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from pyqio.shell.candidates import candidates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prompt_toolkit.document import Document


class CommandCompleter(Completer):
    """Completes command lines.  ``own``: also commands that qemu-io has not."""

    def __init__(self, *, own: bool) -> None:
        self._own = own

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Everything that may stand at the cursor."""
        for text, replaced, meaning in candidates(document.text_before_cursor, own=self._own):
            yield Completion(text, start_position=-replaced, display_meta=meaning)
