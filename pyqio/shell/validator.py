"""prompt_toolkit's view of the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.validation import ValidationError, Validator

from pyqio.render.names import visible
from pyqio.shell.judge import judge

if TYPE_CHECKING:
    from prompt_toolkit.document import Document

    from pyqio.session.state import Session


class LineValidator(Validator):
    """Keeps a line that cannot be run, with the cursor at what is wrong."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def validate(self, document: Document) -> None:
        """Look at a line before it is run.  Raises ValidationError."""
        mistake = judge(document.text, self._session)
        if mistake is not None:
            raise ValidationError(mistake.start, visible(mistake.message))
