"""What is found out about a verified pair that does not agree, as plain data: it outlives the pair.

The sides are read again, each for itself and unverified, and never for long.  Nothing here raises for what cannot be
found out: that is part of the diagnosis.
"""

from __future__ import annotations

from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError, MismatchError, OutcomeMismatch
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE, Role, Run
from pyqio.verify.evidence import ROW, gather
from pyqio.verify.hints import Enough, Ground, Hint, Scene, hints
from pyqio.verify.hints.scene import AREA
from pyqio.verify.pair import pair
from pyqio.verify.words import alignment, held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyqio.base.errors import VerifyError
    from pyqio.base.types import Extent
    from pyqio.block.node import Node
    from pyqio.verify.evidence import Hop, Side
    from pyqio.verify.journal import Journal, Operation

PATIENCE: Final = 0.25
"""Seconds of the processor's time that the search for hints may take: the same on a busy machine."""

_WAITING: Final = 8
"""How many times as long it may take altogether, where it waits for disks."""

_MOST_READ: Final = 8 << 20
_MOST_READS: Final = 4096
_MOST_EXTENTS: Final = 20_000
_SUBCLUSTERS: Final = 32


class Step(NamedTuple):
    """A node on the way of a byte down to the host.

    ``via``: the key of the child that it is to the one above, "" for the side's own node.  ``name``: of its file, or
    its own.  ``protocol``: it is the host's file.  ``offset``: the byte's, in it.  ``kind`` and ``detail``: as in
    Location.
    """

    via: str
    name: str
    driver: str
    protocol: bool
    offset: int
    kind: str
    detail: str


class Holding(NamedTuple):
    """What one side (``key``: raw or test) has: ``held`` in words, and the way of the first byte that differs.

    ``error``: why it cannot be read, or how its request ended; "" where all is well.
    """

    key: str
    name: str
    driver: str
    held: str
    error: str
    way: tuple[Step, ...]


class Excerpt(NamedTuple):
    """The rows around the first byte that differs, from ``offset`` on, as both sides hold them."""

    offset: int
    raw: bytes
    test: bytes


class Diagnosis(Record):
    """One disagreement.

    ``operation``, ``offset``, ``length``: the request, in bytes; ``message``: what was wrong with it, in a phrase.
    ``runs``: where the sides differ, the first thousand of ``run_count``, none where it is not the bytes that differ;
    ``end``: after the last one.  ``byte_count`` and ``sector_count`` are of all.  ``alignment``: in words.
    ``sides``: raw and test, none where the pair is closed.  ``excerpt``: None where the bytes cannot be read, or are
    the same by now.  ``operations``: the last ones that touched the first run, oldest first.
    ``report``: the name of the file that the diagnosis was kept in, "" where it was not; ``unreported``: why it could
    not be, "" where nobody wanted it to.
    """

    operation: str
    offset: int
    length: int
    message: str
    runs: tuple[Run, ...] = ()
    run_count: int = 0
    byte_count: int = 0
    sector_count: int = 0
    end: int = 0
    alignment: str = ""
    sides: tuple[Holding, ...] = ()
    excerpt: Excerpt | None = None
    operations: tuple[Operation, ...] = ()
    hints: tuple[Hint, ...] = ()
    report: str = ""
    unreported: str = ""

    @property
    def first(self) -> int:
        """Offset of the first byte that differs, of the request where it is not the bytes that differ."""
        return self.runs[0].start if self.runs else self.offset


def diagnose(
    error: VerifyError,
    nodes: Mapping[str, Node],
    journal: Journal | None = None,
    *,
    changed: str = "",
    patience: float = PATIENCE,
) -> Diagnosis:
    """All that is to be found out about ``error``.

    ``nodes``: the open nodes by name.  ``journal``: what was done to the pair.  ``changed``: what is known of a change
    to the test side's file by somebody else.  ``patience``: as PATIENCE.
    """
    offset = error.offset or 0
    diagnosis = Diagnosis(operation=error.operation, offset=offset, length=error.length, message=error.message)
    if isinstance(error, MismatchError):
        return _contents(diagnosis, error, nodes, journal, changed=changed, patience=patience)
    if isinstance(error, OutcomeMismatch):
        touching = journal.touching(offset, max(1, error.length)) if journal else ()
        return diagnosis.replace(sides=_outcomes(error, nodes), operations=_last(touching))
    return diagnosis


def _outcomes(error: OutcomeMismatch, nodes: Mapping[str, Node]) -> tuple[Holding, ...]:
    names = [_name(side) for side in pair(error, nodes) or ()] or ["", ""]
    failures = (("raw", error.raw_error), ("test", error.test_error))
    return tuple(
        Holding(key, name, "", "", _outcome(failure), ()) for name, (key, failure) in zip(names, failures, strict=True)
    )


def _outcome(failure: BlockError | None) -> str:
    if failure is None:
        return "succeeded"
    where = f" (node {failure.node} at offset {failure.offset or 0:#x})" if failure.node else ""
    return failure.message + where


def _contents(
    diagnosis: Diagnosis,
    error: MismatchError,
    nodes: Mapping[str, Node],
    journal: Journal | None,
    *,
    changed: str,
    patience: float,
) -> Diagnosis:
    found, run = error.differences, error.runs[0]
    sides = gather(error, nodes)
    touching = journal.touching(run.start, run.length) if journal else []
    diagnosis = diagnosis.replace(
        runs=error.runs,
        run_count=found.run_count,
        byte_count=found.byte_count,
        sector_count=found.sector_count,
        end=found.end,
        alignment=alignment(error.runs, sides[1].node.limits.pwrite_zeroes_alignment if sides else 0),
        operations=_last(touching),
    )
    if sides is None:
        return diagnosis
    holdings = tuple(_holding(side, run) for side in sides)
    excerpt = _excerpt(run, *sides)
    scene = None if excerpt is None else _scene(error, sides[0].node, sides[1], touching, changed, patience)
    return diagnosis.replace(sides=holdings, excerpt=excerpt, hints=tuple(hints(scene) if scene else ()))


def _last(touching: Sequence[Operation]) -> tuple[Operation, ...]:
    """The last change, and after it the last read in which the sides agreed: the harm was done later."""
    changes = [at for at, operation in enumerate(touching) if operation.effect.changes]
    later = touching[changes[-1] + 1 :] if changes else touching
    agreed = [operation for operation in later if operation.effect.kind == "read" and operation.outcome.text == "ok"]
    return (*(touching[at] for at in changes[-1:]), *agreed[-1:])


def _holding(side: Side, run: Run) -> Holding:
    if side.data is None:
        words, reason = "", side.error
    else:
        words, reason = held(side.data[run.start - side.offset : run.end - side.offset]), ""
    return Holding(side.key, _name(side.node), side.node.driver.name, words, reason, _way(side.hops))


def _way(hops: Sequence[Hop]) -> tuple[Step, ...]:
    steps = []
    via = ""
    for node, offset, location in hops:
        protocol = node.driver.role is Role.PROTOCOL
        steps.append(Step(via, _name(node), node.driver.name, protocol, offset, location.kind, location.detail))
        via = location.child or ""
    return tuple(steps)


def _excerpt(run: Run, raw: Side, test: Side) -> Excerpt | None:
    if raw.data is None or test.data is None:
        return None
    end = run.start - run.start % ROW + ROW - raw.offset
    ours, theirs = raw.data[:end], test.data[:end]
    return None if ours == theirs else Excerpt(raw.offset, ours, theirs)


def _name(node: Node) -> str:
    return node.filename or node.name


def _scene(
    error: MismatchError, raw: Node, test: Side, touching: Sequence[Operation], changed: str, patience: float
) -> Scene | None:
    length = min(raw.length(), test.node.length())
    start = error.first - error.first % SECTOR_SIZE
    end = min(-(-error.runs[0].end // SECTOR_SIZE) * SECTOR_SIZE, start + AREA, length)
    reader = _Reader({"raw": raw, "test": test.node, **_below(test.node)}, patience)
    run = Run(error.first, min(error.runs[0].end, end))
    try:
        held_raw, held_test = reader("raw", start, end - start), reader("test", start, end - start)
    except Enough:
        return None
    if len(held_raw) != end - start or len(held_test) != end - start or run.length <= 0:
        return None
    return Scene(
        run=run,
        area=Run(start, end),
        raw=held_raw,
        test=held_test,
        byte_count=error.differing,
        length=length,
        read=reader,
        operations=touching,
        ground=_ground(test, error.first, reader),
        changed=changed,
    )


def _below(test: Node) -> dict[str, Node]:
    """The files that the test side's bytes may be in."""
    found = {}
    if host := test.children.get("data-file") or test.children.get("file"):
        found["host"] = host.node
    if backing := test.children.get("backing"):
        found["backing"] = backing.node
    return found


def _ground(test: Side, first: int, reader: _Reader) -> Ground:
    if not test.hops:
        return Ground()
    node, location = test.node, test.hops[0].location
    below = _below(node)
    stored = location.child in ("file", "data-file") or node.driver.role is Role.PROTOCOL
    cluster = node.driver.info().get("cluster-size") or 0
    extended = bool(cluster) and bool(node.driver.info().get("extended-l2"))
    return Ground(
        kind=location.kind,
        host_offset=location.host_offset if stored else None,
        base=_base(node, first) if cluster else None,
        cluster=cluster,
        subcluster=cluster // _SUBCLUSTERS if extended else 0,
        host_name=_name(below.get("host", node)),
        backing_name=_name(below["backing"]) if "backing" in below else "",
        extents=reader.extents,
    )


def _base(node: Node, offset: int) -> int | None:
    """The host offset of the cluster that the entry for ``offset`` names, whatever its bits say of it."""
    try:
        found = node.explain(offset).facts.get("l2", {}).get("cluster_offset")
    except BlockError:
        return None
    return found if isinstance(found, int) else None


class _Reader:
    """Reads nodes by name, and no more than is worth it; see Scene.read."""

    def __init__(self, nodes: Mapping[str, Node], patience: float) -> None:
        self._nodes = nodes
        self._end = thread_time() + patience
        self._deadline = perf_counter() + patience * _WAITING
        self._left = _MOST_READ if patience else 0
        self._reads = 0
        self._extents: Sequence[Extent] | None = None

    def __call__(self, where: str, offset: int, length: int) -> bytes:
        node = self._nodes.get(where)
        if node is None:
            return b""
        size = max(0, min(length, node.length() - offset))
        self._left -= size
        self._reads += 1
        if self._left < 0 or self._reads > _MOST_READS or self._is_late():
            raise Enough
        buf = bytearray(size)
        try:
            node.pread(offset, memoryview(buf))
        except BlockError:
            return b""
        return bytes(buf)

    def _is_late(self) -> bool:
        return thread_time() > self._end or perf_counter() > self._deadline

    def extents(self) -> Sequence[Extent]:
        """The mapping of the whole test side.  Raises Enough."""
        if self._extents is None:
            node, found = self._nodes["test"], []
            try:
                for extent in node.block_status(0, node.length()):
                    found.append(extent)
                    if len(found) > _MOST_EXTENTS or self._is_late():
                        raise Enough
            except BlockError:
                raise Enough from None
            self._extents = found
        return self._extents
