"""What is typed: faster than anybody types, or before there is a prompt."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from pyqio.render.names import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MANY: Final = 32
"""Characters that nobody types at once."""


class FastInput(Vt100Input):
    """A terminal of which a long text is taken whole, as if it were pasted: each key alone costs a redrawing's time."""

    def read_keys(self) -> list[KeyPress]:
        """What was typed since the last time."""
        return list(_gathered(super().read_keys()))

    def take_ahead(self) -> int:
        """Keep what was typed while a command ran for the next line; returns the columns that its echo has taken."""
        echo = ""
        while typed := self.stdin_reader.read():
            self.vt100_parser.feed(typed)
            echo += typed
        store_typeahead(self, self._buffer)
        self._buffer = []
        return _echoed(echo)


def _echoed(text: str) -> int:
    """The columns of the last line that the terminal has echoed of ``text``."""
    last = text.replace("\r", "\n").rpartition("\n")[2]
    controls = sum(ord(char) < 0x20 or char == "\x7f" for char in last)
    return columns(last) + controls


def _gathered(keys: Iterable[KeyPress]) -> Iterator[KeyPress]:
    for is_text, group in groupby(keys, lambda key: not isinstance(key.key, Keys) and key.data.isprintable()):
        pressed = list(group)
        if is_text and len(pressed) >= _MANY:
            text = "".join(key.data for key in pressed)
            yield KeyPress(Keys.BracketedPaste, text)
        else:
            yield from pressed
