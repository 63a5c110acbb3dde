"""The line editor: prompt_toolkit, with what the shell knows of a session."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.enums import EditingMode

from pyqio.shell import history, status
from pyqio.shell.completer import CommandCompleter
from pyqio.shell.input import FastInput
from pyqio.shell.keys import bindings
from pyqio.shell.lexer import LineLexer
from pyqio.shell.requests import tell_of_requests
from pyqio.shell.style import looks
from pyqio.shell.validator import LineValidator

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from pyqio.session.state import Session

_MENU_ROWS: Final = 8
"""Rows below the prompt that completion may count on, on a large terminal."""


class Editor:
    """Reads lines for a session.  As qemu-io it is an editor with a history and completion, and no more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        own = session.personality.own
        completer = CommandCompleter(session)
        self._input = FastInput(sys.stdin)
        self._editor: PromptSession[str] = PromptSession(
            self._prompt,
            history=history.load(),
            completer=completer,
            complete_in_thread=True,
            complete_while_typing=False,
            enable_history_search=True,
            enable_suspend=True,
            enable_open_in_editor=True,
            tempfile_suffix=".qio",
            key_bindings=bindings(completer),
            lexer=LineLexer(session) if own else None,
            validator=LineValidator(session) if own else None,
            validate_while_typing=False,
            include_default_pygments_style=False,
            input=self._input,
        )
        self._editor.app.renderer.cpr_not_supported_callback = None

    def read(self) -> str:
        """A line; what was typed ahead of the prompt belongs to it.  Raises EOFError, KeyboardInterrupt."""
        session, editor = self._session, self._editor
        settings = session.settings
        if session.personality.own:
            editor.editing_mode = EditingMode.VI if settings["editing"] == "vi" else EditingMode.EMACS
            editor.auto_suggest = AutoSuggestFromHistory() if settings["suggest"] else None
            editor.bottom_toolbar = self._toolbar if settings["toolbar"] else None
            editor.style, editor.color_depth = looks(settings)
            editor.reserve_space_for_menu = min(_MENU_ROWS, session.environment.rows // 3)
            session.environment.out("\b \b" * self._input.take_ahead())
        return editor.prompt(pre_run=self._watch)

    def _watch(self) -> None:
        app = get_app()
        app.create_background_task(tell_of_requests(self._session, app))

    def _prompt(self) -> StyleAndTextTuples:
        if not self._session.personality.own:
            return [("", f"{self._session.personality.program}> ")]
        name, state, end = status.prompt(self._session)
        return [("class:prompt", name), ("class:state", state), ("class:prompt", end)]

    def _toolbar(self) -> str:
        return status.toolbar(self._session, get_app().output.get_size().columns)
