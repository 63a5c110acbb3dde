"""explore: a mismatch of a former run, picked up where it was found."""

from __future__ import annotations

import os
import shlex
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base import folders
from pyqio.base.errors import BlockError, OpenError
from pyqio.base.types import OpenFlags, Role
from pyqio.block import registry
from pyqio.commands.command import Command, command
from pyqio.commands.kinds import FileName
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Diagnosed, Facts
from pyqio.verify import reports
from pyqio.verify.pair import pair_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.case_file import Case, Portrait

_ABOUT: Final = """
 opens both images of a report read-only at the bytes that differ, with the
 operations of the run that found it

 Example:
 'explore ~/.local/state/pyqio/reports/1.json' - or 'explore 1', in the state folder; without a name the newest one

 Every mismatch leaves such a report, and names it.  What 'history --ops', 'blame' and 'mismatches' show is that of the
 report; 'diff', 'where' and 'read' look at the images as they are now.  Where they cannot be opened, the bytes that the
 report has of them stand in their place.  A report names plain files: nothing else is opened.
"""

_FLAGS: Final = OpenFlags(read_only=True, force_share=True)


class ReportName(FileName):
    """The name of a report, or its number in the state folder."""

    def complete(self, prefix: str) -> Iterable[str]:
        """The numbers, and files."""
        numbers = (os.path.basename(path).removesuffix(".json") for path in reports.every())
        yield from (number for number in numbers if number.startswith(prefix))
        yield from super().complete(prefix)


@command(
    "explore",
    synopsis="[report]",
    summary="picks up the mismatch of a former run",
    about=_ABOUT,
    arguments=(0, 1),
    needs_image=False,
    own=True,
)
class Explore(Command):
    """Open what a report is about."""

    report: Annotated[str | None, ReportName("report")] = None

    def run(self, context: Context) -> Iterator[Result]:
        """Tell what is opened, and what was found."""
        if context.has_image:
            raise Rejected("file open already, try 'help close'", prefixed=True)
        try:
            path = reports.newest() if self.report is None else _path(self.report)
            case = reports.load(path)
        except reports.BadReport as error:
            raise Rejected(str(error), prefixed=True) from None
        began = _time(case.when)
        opened = _open(context, case)
        said = {"report": path, "found": began, "by": _line(case.command_line), **opened}
        yield Facts(name="explore", values=said)
        # What the run that found it had done itself has no session's name yet.
        context.journal.load(o if o.session else o.replace(session=began) for o in case.operations)
        context.findings.add(case.diagnosis.runs)
        context.diagnoses.append(case.diagnosis)
        context.position.goto(case.diagnosis.first)
        yield Diagnosed(diagnosis=case.diagnosis)


def _path(name: str) -> str:
    """The file that a report's name or number stands for."""
    if name.isascii() and name.isdecimal() and not os.path.lexists(name):
        return folders.state("reports", f"{name}.json")
    return os.path.expanduser(name)


def _line(words: Sequence[str]) -> str:
    """A command line, as it is typed."""
    program = os.path.basename(words[0]) if words else ""
    return shlex.join(["pyqio" if program == "__main__.py" else program, *words[1:]])


def _open(context: Context, case: Case) -> dict[str, str]:
    """Open the images, or what the report has of them; returns what there is to say about it."""
    try:
        sides = {"raw": _node(case.raw, "raw"), "test": _node(case.test, "test")}
        name = f"blkverify:{case.raw.path}:{case.test.path}"
        context.open(name, {"driver": "blkverify", **sides}, _FLAGS, snapshot=False, copy_on_read=False)
    except OpenError as error:
        _open_remains(context, case)
        return {
            "images": f"they cannot be opened: {error.message}",
            "instead": "the bytes of the report, in memory; all others are zero on both sides",
        }
    opened = {key: f"{side.path}, read-only{_since(side)}" for key, side in (("raw", case.raw), ("test", case.test))}
    return opened | ({"bytes": "they are not those of the report any more"} if _differs(context.image, case) else {})


def _node(side: Portrait, key: str) -> dict[str, Any]:
    """The options that open a side: a plain file, and a format above it.  Raises OpenError."""
    if not side.path or not os.path.isabs(side.path):
        raise OpenError(f"the {key} side was no file of this host")
    if not os.path.isfile(side.path):
        raise OpenError(f"{side.path} is not there any more")
    drivers = {driver.name: driver for driver in registry.every()}
    driver = drivers.get(side.driver)
    if side.driver != "file" and (driver is None or driver.role is not Role.FORMAT):
        raise OpenError(f"the {key} side is of no format that is known here")
    file = {"driver": "file", "filename": side.path}
    return file if side.driver == "file" else {"driver": side.driver, "file": file}


def _since(side: Portrait) -> str:
    """That the file was changed, where it was."""
    found = os.stat(side.path)
    if (found.st_size, found.st_mtime_ns) == (side.file_size, side.mtime_ns):
        return ""
    return f", changed since the report ({_time(found.st_mtime_ns / 1e9)})"


def _differs(image: Image, case: Case) -> bool:
    """Whether a side holds other bytes by now than the report has of it."""
    found = pair_below(image.node)
    assert found is not None
    for key in ("raw", "test"):
        node = found.children[key].node
        for piece in case.contents:
            recorded = piece.raw if key == "raw" else piece.test
            buf = bytearray(len(recorded))
            try:
                node.pread(piece.offset, memoryview(buf))
            except BlockError:
                return True
            if buf != recorded:
                return True
    return False


def _open_remains(context: Context, case: Case) -> None:
    """A pair in memory that holds what the report has of each side.  Raises Rejected."""
    last = max([case.diagnosis.end, *(piece.offset + len(piece.raw) for piece in case.contents)])
    size = max(case.raw.size, case.test.size, last)
    try:
        side = {"driver": "memory", "size": str(size)}
        options = {"driver": "blkverify", "raw": side, "test": dict(side)}
        context.open(None, options, OpenFlags(), snapshot=False, copy_on_read=False)
        found = pair_below(context.image.node)
        assert found is not None
        for piece in case.contents:
            found.children["raw"].node.pwrite(piece.offset, memoryview(piece.raw))
            found.children["test"].node.pwrite(piece.offset, memoryview(piece.test))
    except BlockError as error:
        raise Rejected(f"the report's bytes cannot be shown: {error.message}", prefixed=True) from None


def _time(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))
