from __future__ import annotations

import pytest
from prompt_toolkit.document import Document

from pyqio.shell.lexer import LineLexer


def test_lexer_when_text_has_lines_then_each_of_them(session):
    line = LineLexer(session).lex_document(Document("read 'a\nb'; length"))

    assert [line(0), line(1), line(2)] == [
        [("class:command", "read"), ("class:plain", " "), ("class:string", "'a")],
        [("class:string", "b'"), ("class:sign", ";"), ("class:plain", " "), ("class:command", "length")],
        [],
    ]


@pytest.mark.parametrize("text", ["x" * 5000, "'" * 4999])
def test_lexer_when_line_is_enormous_then_it_is_left_as_it_is(session, text):
    assert LineLexer(session).lex_document(Document(text))(0) == [("", text)]
