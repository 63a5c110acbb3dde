"""Keys beyond those of prompt_toolkit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prompt_toolkit.application import get_app
from prompt_toolkit.completion import get_common_complete_suffix
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, emacs_insert_mode, has_completions, has_focus, vi_insert_mode
from prompt_toolkit.key_binding import KeyBindings

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

    from pyqio.shell.completer import CommandCompleter

_PATIENCE: Final = 0.2
"""Seconds that Tab may take before the next key counts."""


@Condition
def _suggested() -> bool:
    buffer = get_app().current_buffer
    return bool(buffer.suggestion and buffer.suggestion.text) and buffer.document.is_cursor_at_the_end


def bindings(completer: CommandCompleter) -> KeyBindings:
    """Tab completes at once what can be, End takes the suggestion as Right and Ctrl-E do, Escape closes the menu."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER) & (emacs_insert_mode | vi_insert_mode)

    @keys.add("tab", filter=typing & ~has_completions)
    def _complete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        found = completer.within(buffer.document, _PATIENCE)
        if found is None:
            buffer.start_completion(insert_common_part=True)
        elif len(found) == 1:
            buffer.apply_completion(found[0])
        elif found:
            buffer.insert_text(get_common_complete_suffix(buffer.document, found))
            buffer.start_completion()

    @keys.add("end", filter=_suggested)
    def _take(event: KeyPressEvent) -> None:
        suggestion = event.current_buffer.suggestion
        if suggestion is not None:
            event.current_buffer.insert_text(suggestion.text)

    @keys.add("escape", filter=has_completions, eager=True)
    def _close(event: KeyPressEvent) -> None:
        event.current_buffer.cancel_completion()

    return keys
