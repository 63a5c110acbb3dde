"""What a session does about a pair that does not agree: diagnosis, report file, and the journal kept for later ones."""

from __future__ import annotations

import os
import platform
import sys
import time
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.commands.results import Diverged, Verified
from pyqio.verify import reports
from pyqio.verify.case_file import MOST_OPERATIONS, Case, Portrait
from pyqio.verify.diagnosis import Excerpt, diagnose
from pyqio.verify.journal_store import Store
from pyqio.verify.pair import host_path, pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyqio.base.errors import VerifyError
    from pyqio.block.node import Node
    from pyqio.session.state import Session
    from pyqio.verify.diagnosis import Diagnosis
    from pyqio.verify.journal import Operation

MOST: Final = 20
"""Disagreements of a session that are looked into and reported in full: a script may go on after thousands."""

KEPT: Final = 100
"""Diagnoses that a session remembers."""

_MOST_PIECES: Final = 64
_LONGEST_PIECE: Final = 4096
_NEAR: Final = 64 << 10
"""Operations so many bytes away may have to do with it too."""


def diagnosed(session: Session, result: Diverged | Verified, nodes: Mapping[str, Node]) -> Diverged | Verified:
    """The result with all that is to be found out about it; a report of it is written where the user wants one.

    ``nodes``: the open nodes by name.
    """
    if result.error is None or (isinstance(result, Verified) and result.repairing):
        return result
    if len(session.diagnoses) >= MOST:
        diagnosis = diagnose(result.error, nodes, patience=0)
        if len(session.diagnoses) == MOST and session.settings["report"]:
            diagnosis = diagnosis.replace(unreported=f"the first {MOST} of a run have one, with hints")
    else:
        diagnosis = diagnose(result.error, nodes, session.journal, changed=_changed(session))
        staged = isinstance(result, Diverged) and result.staged
        if session.settings["report"] and not staged:
            diagnosis = _reported(session, diagnosis, result.error, nodes)
    session.diagnoses = [*session.diagnoses[1 - KEPT :], diagnosis]
    return result.replace(diagnosis=diagnosis)


def _reported(session: Session, diagnosis: Diagnosis, error: VerifyError, nodes: Mapping[str, Node]) -> Diagnosis:
    try:
        return diagnosis.replace(report=reports.save(_case(session, diagnosis, error, nodes), session.report))
    except OSError as failure:
        return diagnosis.replace(unreported=f"{failure.filename or session.report}: {failure.strerror}")


def _changed(session: Session) -> str:
    """Words for a change to the test side's file since the last session closed it, "" where none is known of."""
    if session.pair_files is None or not session.settings["journal"]:
        return ""
    raw, test = session.pair_files
    return f"{os.path.basename(test.path)} {words}" if (words := Store(raw, test).change()) else ""


def _case(session: Session, diagnosis: Diagnosis, error: VerifyError, nodes: Mapping[str, Node]) -> Case:
    import pyqio

    sides = pair(error, nodes)
    return Case(
        when=round(time.time(), 3),
        program=f"pyqio {pyqio.__version__}, Python {platform.python_version()}, {platform.system()}",
        command_line=tuple(sys.argv),
        folder=os.getcwd(),
        raw=_portrait(sides[0] if sides else None),
        test=_portrait(sides[1] if sides else None),
        diagnosis=diagnosis,
        contents=tuple(_contents(diagnosis, sides) if sides else ()),
        operations=tuple(_near(session, diagnosis)),
    )


def _portrait(side: Node | None) -> Portrait:
    if side is None:
        return Portrait("", "", 0, 0, 0)
    path = host_path(side) or ""
    try:
        found = os.stat(path)
    except OSError:
        return Portrait("", side.driver.name, side.length(), 0, 0)
    return Portrait(path, side.driver.name, side.length(), found.st_size, found.st_mtime_ns)


def _contents(diagnosis: Diagnosis, sides: tuple[Node, Node]) -> Iterator[Excerpt]:
    for start, end in diagnosis.runs[:_MOST_PIECES]:
        raw, test = (_read(side, start, min(end - start, _LONGEST_PIECE)) for side in sides)
        yield Excerpt(start, raw, test)


def _read(node: Node, offset: int, length: int) -> bytes:
    """What ``node`` holds there, nothing where it cannot be read."""
    buf = bytearray(max(0, min(length, node.length() - offset)))
    try:
        node.pread(offset, memoryview(buf))
    except BlockError:
        return b""
    return bytes(buf)


def _near(session: Session, diagnosis: Diagnosis) -> Sequence[Operation]:
    start = max(0, diagnosis.first - _NEAR)
    end = max(diagnosis.end, diagnosis.first + 1) + _NEAR
    return session.journal.touching(start, end - start)[-MOST_OPERATIONS:]
