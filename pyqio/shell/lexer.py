"""Colours for prompt_toolkit: of the line that is typed, and of what stands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from pyqio.shell import spans

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from pyqio.session.state import Session

LONGEST: Final = 4096
"""Characters of a line that is coloured."""

_STYLES: Final = {
    spans.COMMAND: "bold",
    spans.ERROR: "ansired",
    spans.FLAG: "ansicyan",
    spans.NUMBER: "ansiyellow",
    spans.PATH: "underline",
    spans.STRING: "ansigreen",
    "comment": "ansibrightblack",
    "sign": "bold",
    "outside": "ansimagenta",
    "prompt": "",
    "state": "bold ansired",
    "auto-suggestion": "ansibrightblack",
    "bottom-toolbar": "noreverse ansibrightblack",
    "validation-toolbar": "noreverse ansired",
}


class LineLexer(Lexer):
    """Colours the parts of a line."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """The coloured lines of what is typed."""
        if len(document.text) > LONGEST:
            return lambda number: [("", document.lines[number])]
        lines: list[StyleAndTextTuples] = [[]]
        for kind, text in spans.spans(document.text, self._session):
            for at, part in enumerate(text.split("\n")):
                if at:
                    lines.append([])
                lines[-1].append((f"class:{kind}", part))
        return lambda number: lines[number] if number < len(lines) else []


def style() -> Style:
    """The style of the shell."""
    return Style.from_dict(_STYLES)
