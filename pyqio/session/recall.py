"""The journal of a verified pair, kept from one session to the next."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyqio.verify.journal_store import Store
from pyqio.verify.pair import host_path, pair_below

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyqio.block.image import Image
    from pyqio.session.state import Session
    from pyqio.verify.journal import Operation


def former_operations(session: Session) -> Sequence[Operation]:
    """What former sessions did to the open pair."""
    store = store_of(session.image) if session.has_image and session.settings["journal"] else None
    return store.load() if store else ()


def keeper(session: Session, image: Image) -> Callable[[], None]:
    """What keeps the session's journal once ``image``, which is open yet, is closed."""
    store = store_of(image) if session.settings["journal"] else None
    return partial(store.append, session.journal.own()) if store else lambda: None


def store_of(image: Image) -> Store | None:
    """Where the journal of the pair in ``image`` is kept; None where there is no pair, or one that has no files."""
    found = pair_below(image.node)
    if found is None:
        return None
    raw, test = (host_path(found.children[key].node) for key in ("raw", "test"))
    return Store(raw, test) if raw and test else None
