"""blkverify: a trusted raw image and an image under test, kept alike and compared.

    blkverify:RAW:TEST        RAW is a protocol's name (a plain file), TEST any image; split at the first colon

Every write, write of zeroes, discard, truncate and flush goes to both sides; a read goes to both and is compared.
What is read comes from the raw side.  A request always runs to its end on both sides before their outcomes are
compared:

    raw         test        the request
    done        done        is done (a read: if the bytes are equal, else MismatchError)
    error e     error e     raises the raw side's error
    otherwise               raises OutcomeMismatch

Neither error ends anything: the pair serves the next request as before.

The test side leads where an operation leaves it a choice, and the raw side follows:

* Discard is advice: each byte may keep its value or read as zero, which the test side's block status and, where that
  does not say zero, its bytes tell.  The raw side is then given zeroes in the same places, so that later reads must
  repeat what was seen; a byte that is neither its old self nor zero is a MismatchError.
* Compression, preallocation and "no fallback" are about how a format stores things: they go to the test side alone.

The pair is as long as its test side.  A request that ends within it but past the end of a shorter raw side fails
there, which makes it an OutcomeMismatch; lengths that are equal when rounded up to sectors count as equal.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pyqio.base.compare import Differences, differences, zeroed_alike
from pyqio.base.errors import BlockError, MismatchError, OpenError, OutcomeMismatch, Unsupported, VerifyError
from pyqio.base.record import Record
from pyqio.base.types import (
    COMPRESSED,
    MAY_UNMAP,
    NO_FALLBACK,
    SECTOR_SIZE,
    Caps,
    ChildRole,
    Extent,
    Limits,
    Location,
    Role,
    Scheduling,
)
from pyqio.block.companion import Companion, Outcome, outcome
from pyqio.block.driver import Driver
from pyqio.block.emulate import WINDOW, pieces
from pyqio.block.filename import Typed
from pyqio.block.overlap import Overlap
from pyqio.block.stream import pread_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyqio.base.structure import Explanation
    from pyqio.block.driver import Opening
    from pyqio.block.node import Node

PATIENCE: Final = 200e-6
"""Seconds that a request may take before the next one runs on both sides at once.

Handing a request to a thread and waiting for it costs 15 us, and two sides that only copy from the page cache win
nothing by it (256 KiB: 62 us one after the other, 80 us at once; 4 KiB: 3 and 15 us).  A side that waits, for a
disk, a flush or a server, takes far longer than this.
"""

_EVERYTHING: Final = 2**64


class _Options(Record):
    """None of its own: the two sides are children."""


class BlkVerify(Driver):
    """The filter; see the module."""

    name = "blkverify"
    role = Role.FILTER
    prefix = "blkverify"
    children = ("raw", "test")
    Options = _Options
    # Requests run side by side as they would without the filter, except where two that overlap could land in a
    # different order on each side: those wait for one another.
    scheduling = Scheduling.PARALLEL

    def __init__(self, raw: Node, test: Node) -> None:
        self._raw = raw
        self._test = test
        self._overlap = Overlap()
        self._lanes: list[_Lane] = []
        self._duration = 1.0 if raw.caps.remote or test.caps.remote else 0.0
        self.mismatches = 0
        """Requests so far on which the sides did not agree."""

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """``blkverify:RAW:TEST``; the first colon after the prefix ends RAW, TEST may hold more of them."""
        raw, colon, test = filename.removeprefix("blkverify:").partition(":")
        if not colon:
            raise OpenError("blkverify requires raw copy and original image path")
        return {"raw": {"filename": Typed(raw)}, "test": {"filename": Typed(test)}}

    @classmethod
    def open(cls, options: _Options, opening: Opening) -> BlkVerify:
        """Open the sides; the test side's format is guessed where it is not named."""
        raw = opening.child("raw", ChildRole.FILTERED)
        test = opening.child("test", ChildRole.FILTERED, probe=True)
        return cls(raw, test)

    def length(self) -> int:
        """The test side's length."""
        return self._test.length()

    def limits(self) -> Limits:
        """None but for buffers: each side's node takes a request apart as that side needs it."""
        return Limits(memory_alignment=max(self._raw.limits.memory_alignment, self._test.limits.memory_alignment))

    def caps(self) -> Caps:
        """FUA and MAY_UNMAP are the sides' nodes' to emulate, so that both do it at once."""
        raw, test = self._raw.caps, self._test.caps
        return Caps(
            fua=True,
            may_unmap=True,
            growable=raw.growable and test.growable,
            zero_init=raw.zero_init and test.zero_init,
            compressed=test.compressed,
            remote=raw.remote or test.remote,
        )

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Read both sides and compare them, in windows that stay in the cache."""
        with self._request(offset, len(buf), writing=False) as lane:
            steps = (buf[at : at + WINDOW] for at in range(0, len(buf), WINDOW))
            for _ in pread_steps(partial(self._pread_step, lane, flags), offset, len(buf), steps):
                pass

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Write to both sides."""

        def on_raw() -> None:
            self._check_raw_end(offset + len(buf))
            self._raw.pwrite(offset, buf, flags & ~COMPRESSED)

        with self._request(offset, len(buf), writing=True) as lane:
            test = partial(self._test.pwrite, offset, buf, flags)
            self._both(lane, "write", offset, len(buf), raw=on_raw, test=test)

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """Zero on both sides; NO_FALLBACK asks the test side first, so that a refusal leaves the pair alike."""

        def on_raw() -> None:
            self._check_raw_end(offset + length)
            self._raw.pwrite_zeroes(offset, length, flags & ~NO_FALLBACK)

        test = partial(self._test.pwrite_zeroes, offset, length, flags)
        with self._request(offset, length, writing=True) as lane:
            if flags & NO_FALLBACK:
                test = partial(_repeat, asked := outcome(test))
                if isinstance(asked, Unsupported):
                    self._follow(lane, "zero", offset, length)
                    raise asked
            self._both(lane, "zero", offset, length, raw=on_raw, test=test)

    def pdiscard(self, offset: int, length: int) -> None:
        """Discard on the test side, and let the raw side follow."""
        with self._request(offset, length, writing=True) as lane:
            raw = partial(self._check_raw_end, offset + length)
            test = partial(self._test.pdiscard, offset, length)
            self._both(lane, "discard", offset, length, raw=raw, test=test)
            self._follow(lane, "discard", offset, length)

    def flush(self) -> None:
        """Flush both sides."""
        with self._request(0, 0, writing=False) as lane:
            self._both(lane, "flush", 0, 0, raw=self._raw.flush, test=self._test.flush)

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Resize both sides."""
        with self._request(0, _EVERYTHING, writing=True) as lane:
            raw = partial(self._raw.truncate, length, exact=exact)
            test = partial(self._test.truncate, length, prealloc=prealloc, exact=exact)
            self._both(lane, "truncate", 0, length, raw=raw, test=test)

    def block_status(self, offset: int, length: int) -> Iterable[Extent]:
        """What the raw side says: it is what reads return."""
        return self._raw.block_status(offset, length)

    def locate(self, offset: int) -> Location:
        """On the raw side."""
        return Location(kind="data", child="raw", host_offset=offset)

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """On both sides, as far as both reach."""
        from pyqio.base.structure import Explanation, Onward

        lengths = (("raw", self._raw.length()), ("test", self._test.length()))
        short = [f"the {key} side ends at {length:#x}" for key, length in lengths if offset >= length]
        return Explanation(
            kind="pair", next=tuple(Onward(key, offset) for key, length in lengths if offset < length), wrong=short
        )

    def remarks(self) -> Iterable[str]:
        """That the sides are not equally long, where they are not."""
        raw, test = self._raw.length(), self._test.length()
        if _whole_sectors(raw) != _whole_sectors(test):
            yield f"the raw side has {raw} bytes and the test side {test}: only what both have can be compared"

    def close(self) -> None:
        """End the threads."""
        while self._lanes:
            self._lanes.pop().companion.close()

    @contextmanager
    def _request(self, offset: int, length: int, *, writing: bool) -> Iterator[_Lane]:
        claim = self._overlap.enter(offset, length, writing=writing)
        lane = self._take_lane()
        try:
            yield lane
        except VerifyError:
            self.mismatches += 1
            raise
        finally:
            if not lane.companion.busy:
                self._lanes.append(lane)
            self._overlap.leave(claim)

    def _take_lane(self) -> _Lane:
        try:
            return self._lanes.pop()
        except IndexError:
            return _Lane()

    def _pread_step(self, lane: _Lane, flags: int, offset: int, buf: memoryview) -> None:
        length = len(buf)
        scratch = lane.scratch(length)

        def on_raw() -> None:
            self._check_raw_end(offset + length)
            self._raw.pread(offset, buf, flags)

        test = partial(self._test.pread, offset, memoryview(scratch), flags)
        self._both(lane, "read", offset, length, raw=on_raw, test=test)
        if scratch != buf:
            found = differences(offset, buf, scratch)
            raise MismatchError(operation="read", offset=offset, length=length, differences=found)

    def _both(
        self,
        lane: _Lane,
        operation: str,
        offset: int,
        length: int,
        *,
        raw: Callable[[], None],
        test: Callable[[], None],
    ) -> None:
        """Do one thing on each side, and judge how it ended."""
        started = perf_counter()
        if self._duration > PATIENCE:
            raw_error, test_error = lane.companion.both(raw, test)
        else:
            raw_error, test_error = outcome(raw), outcome(test)
        self._duration = perf_counter() - started
        if raw_error is not None or test_error is not None:
            _judge(operation, offset, length, raw_error, test_error)

    def _check_raw_end(self, end: int) -> None:
        """Refuse what the test side has and the raw side has not; past the end of both a growing pair grows."""
        if _whole_sectors(self._raw.length()) < end <= _whole_sectors(self._test.length()):
            raise BlockError(f"the raw side ends at {self._raw.length()}")

    def _follow(self, lane: _Lane, operation: str, offset: int, length: int) -> None:
        """Make the raw side read as the test side does, which has kept its bytes or turned them into zeroes."""
        found = Differences()
        for extent in self._test.block_status(offset, length):
            if extent.zero:
                self._raw.pwrite_zeroes(extent.offset, extent.length, MAY_UNMAP)
                continue
            for at, count in pieces(extent.offset, extent.offset + extent.length, grain=1, largest=WINDOW):
                found.merge(self._follow_window(lane, at, count))
        if found:
            raise MismatchError(operation=operation, offset=offset, length=length, differences=found)

    def _follow_window(self, lane: _Lane, offset: int, count: int) -> Differences:
        test, raw = lane.scratch(count), bytearray(count)
        self._test.pread(offset, memoryview(test))
        self._raw.pread(offset, memoryview(raw))
        if test == raw:
            return Differences()
        allowed = zeroed_alike(raw, test)
        if test == allowed:
            self._raw.pwrite(offset, memoryview(test))
            return Differences()
        return differences(offset, allowed, test)


class _Lane:
    """What one request needs: a thread for the raw side, and a buffer for the test side."""

    __slots__ = ("_scratch", "companion")

    def __init__(self) -> None:
        self.companion = Companion()
        self._scratch = bytearray()

    def scratch(self, size: int) -> bytearray:
        """A buffer of exactly ``size`` bytes (the comparison needs a bytearray), with old bytes in it."""
        if len(self._scratch) != size:
            self._scratch = bytearray(size)
        return self._scratch


def _judge(operation: str, offset: int, length: int, raw_error: Outcome, test_error: Outcome) -> NoReturn:
    for error in (raw_error, test_error):
        # A pair below has its own report, and what is no BlockError is an interrupt or a bug.
        if isinstance(error, VerifyError) or not isinstance(error, BlockError | None):
            raise error
    raw, test = cast("BlockError | None", raw_error), cast("BlockError | None", test_error)
    if raw is not None and test is not None and raw.errno == test.errno:
        raise raw
    raise OutcomeMismatch(operation=operation, offset=offset, length=length, raw_error=raw, test_error=test)


def _repeat(ended: Outcome) -> None:
    """Do what is done already, which ended so."""
    if ended is not None:
        raise ended


def _whole_sectors(length: int) -> int:
    return -(-length // SECTOR_SIZE) * SECTOR_SIZE
