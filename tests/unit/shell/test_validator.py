from __future__ import annotations

import pytest
from prompt_toolkit.document import Document
from prompt_toolkit.validation import ValidationError

from pyqio.shell.validator import LineValidator


def test_validate_when_line_may_be_run_then_nothing(session):
    assert LineValidator(session).validate(Document("read 0 512")) is None


def test_validate_when_line_is_wrong_then_place_and_visible_message(session):
    with pytest.raises(ValidationError) as found:
        LineValidator(session).validate(Document("length; \x1b[31m"))

    assert (found.value.cursor_position, found.value.message) == (8, 'command "\\x1b[31m" not found')
