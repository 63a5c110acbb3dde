"""check: what qemu-img check does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import BlockError, OpenError, Unsupported
from pyqio.base.types import CACHE_MODES, OpenFlags
from pyqio.block.driver import Driver
from pyqio.block.paths import places
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import FileName, RepairMode, Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Checked, CheckFailed, Found, Repaired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.types import CheckResult
    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 looks for damage in the metadata of an image, and repairs it

 Example:
 'check -r leaks test.qcow2' - gives back clusters of test.qcow2 that nothing refers to

 Without a filename the open image is checked; of a pair, 'check --child test' checks the test side.  With one, that
 image is opened as it is, dirty or corrupt, and closed again.  What is found goes to standard error, the summary to
 standard output.  A check that finds something makes the exit status of the session 2 (corruptions), 3 (leaks), 1
 (not all could be checked) or 63 (the format has no check), unless something failed before.
{flags}
"""


@command(
    "check",
    synopsis="[-q] [-J | --json] [-f fmt] [-r leaks | -r all] [--child path | filename]",
    summary="checks the metadata of an image, and repairs it",
    about=_ABOUT,
    arguments=(0, None),
    needs_image=False,
    own=True,
)
class Check(Command):
    """Look for damage, and repair it."""

    quiet: Annotated[bool, Flag("q", "quiet mode, do not show the summary as text")] = False
    json: Annotated[bool, Flag("J", "show the summary as JSON", long="json")] = False
    format: Annotated[str | None, Flag("f", "format of the image that is named"), Word("fmt")] = None
    child: Child = ""
    fix: Annotated[str, Flag("r", "repair leaks, or all that can be repaired"), RepairMode()] = ""
    filename: Annotated[str | None, FileName("filename")] = None

    @property
    def flags(self) -> OpenFlags:
        """How an image is opened for this command alone."""
        return OpenFlags(read_only=not self.fix, cache=CACHE_MODES["writeback"], checking=True)

    def run(self, context: Context) -> Iterator[Result]:
        """Check; after a repair, check again."""
        if self.filename is not None and self.child:
            raise Rejected("--child is a node of the open image: name no other one with it", prefixed=True)
        if self.filename is not None:
            yield from self._check_named(context, self.filename)
        elif not context.has_image:
            raise Rejected("no file open, try 'help open'", stderr=True)
        else:
            context.drain()
            yield from self._check(context, image_at(context, self.child))

    def _check_named(self, context: Context, filename: str) -> Iterator[Result]:
        from pyqio.block.graph import Graph

        options = {} if self.format is None else {"driver": self.format}
        try:
            image = Graph().open(filename, options, self.flags)
        except OpenError as error:
            raise Rejected(f"Could not open '{filename}': {error.message}", prefixed=True) from error
        with image:
            yield from self._check(context, image)

    def _check(self, context: Context, image: Image) -> Iterator[Result]:
        if self.fix and image.read_only:
            raise Rejected("Block node is read-only", prefixed=True)

        def report(finding: str) -> None:
            context.tell(Found(text=finding))

        try:
            with context.progress("check", image.length()) as advance:
                result = image.check(fix=self.fix, report=report, advance=advance)
            fixed = {"leaks_fixed": result.leaks_fixed, "corruptions_fixed": result.corruptions_fixed}
            if any(fixed.values()):
                if not (self.json or self.quiet):
                    yield Repaired(leaks=result.leaks_fixed, corruptions=result.corruptions_fixed)
                with context.progress("check", image.length()) as advance:
                    result = image.check(report=report, advance=advance).replace(**fixed)
        except Unsupported as error:
            yield CheckFailed(error=Unsupported(f"{error.message}{self._advice(image)}"))
        except BlockError as error:
            yield CheckFailed(error=error)
        else:
            yield self._summary(image, result)

    def _advice(self, image: Image) -> str:
        """Which of the nodes below has a check."""
        if self.filename is not None:
            return ""
        below = (place for place in places(image.node) if type(place.node.driver).check is not Driver.check)
        return next((f"; 'check --child {place.path}' checks {place.node.driver.name}" for place in below), "")

    def _summary(self, image: Image, result: CheckResult) -> Checked:
        return Checked(
            filename=image.filename,
            format=image.node.driver.name,
            result=result,
            json=self.json,
            quiet=self.quiet,
        )
