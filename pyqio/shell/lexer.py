"""Colours of the line that is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prompt_toolkit.lexers import Lexer

from pyqio.shell import spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from pyqio.session.state import Session

_LONGEST: Final = 4096
"""Characters of a line that is coloured."""


class LineLexer(Lexer):
    """Colours the parts of a line."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The coloured lines of what is typed."""
        if len(document.text) > _LONGEST:
            return lambda number: [("", document.lines[number])]
        lines: list[StyleAndTextTuples] = [[]]
        for kind, text in spans.spans(document.text, self._session):
            for at, part in enumerate(text.split("\n")):
                if at:
                    lines.append([])
                lines[-1].append((f"class:{kind}", part))
        return lambda number: lines[number] if number < len(lines) else []
