"""prompt_toolkit's view of the candidates."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from threading import Thread
from typing import TYPE_CHECKING, Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from pyqio.render.names import visible
from pyqio.shell.candidates import candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prompt_toolkit.document import Document

    from pyqio.session.state import Session

_LONGEST: Final = 4096
"""Characters of a line that is looked at while it is typed."""


class CommandCompleter(Completer):
    """Completes the commands of a session; what takes long is found in a thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._latest: tuple[str, Future[Sequence[Completion]]] = ("", Future())

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Everything that may stand at the cursor."""
        text, found = self._latest
        yield from found.result() if text == document.text_before_cursor != "" else self._find(document)

    def within(self, document: Document, seconds: float) -> Sequence[Completion] | None:
        """Everything that may stand at the cursor, None where finding it takes longer than so many seconds."""
        found: Future[Sequence[Completion]] = Future()
        self._latest = (document.text_before_cursor, found)

        def find() -> None:
            try:
                found.set_result(list(self._find(document)))
            except Exception as error:  # raised where the result is asked for
                found.set_exception(error)

        Thread(target=find, daemon=True).start()
        try:
            return found.result(seconds)
        except TooLate:
            return None

    def _find(self, document: Document) -> Iterator[Completion]:
        before = document.text_before_cursor
        if len(before) <= _LONGEST:
            for text, replaced, shown, meaning in candidates(before, self._session):
                yield Completion(text, -replaced, display=visible(shown), display_meta=meaning)
