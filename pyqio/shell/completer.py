"""prompt_toolkit's view of the candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from pyqio.render.names import visible
from pyqio.shell.candidates import candidates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prompt_toolkit.document import Document

    from pyqio.session.state import Session

_LONGEST: Final = 4096
"""Characters of a line that is looked at while it is typed."""


class CommandCompleter(Completer):
    """Completes the commands of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Everything that may stand at the cursor."""
        before = document.text_before_cursor
        if len(before) <= _LONGEST:
            for text, replaced, shown, meaning in candidates(before, self._session):
                yield Completion(text, -replaced, display=visible(shown), display_meta=meaning)
