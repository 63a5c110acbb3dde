"""Report files: all that is known of one disagreement, so that a failed run can be picked up later.

JSON of at most LARGEST bytes.  Version 1 is an object with these members (sizes and offsets
are bytes, data is in hexadecimal):

    pyqio_report    1
    finding         a digest of the images and of the request: the same request writes the same file anew
    when            seconds since 1970 UTC
    program         name and version
    command_line    the words of the run's command line;  folder: where it ran
    images          raw and test, each: path (absolute, "" where it is no plain file), driver, size (of the guest),
                    file_size and mtime_ns (of the file)
    diagnosis       operation, offset, length, message, runs [[start, end]], run_count, byte_count, sector_count, end,
                    alignment, sides [{key, name, driver, held, error, way [[via, name, driver, protocol, offset, kind,
                    detail]]}], excerpt {offset, raw, test} or null, operations, hints [[kind, text]]
    contents        the bytes of the first runs: [{offset, raw, test}]
    operations      those before it, oldest first, as verify/journal_store has them

Whoever reads one may have it from somebody else: it is taken with distrust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.record import Record
from pyqio.base.types import Run
from pyqio.verify import journal_store, untrusted
from pyqio.verify.diagnosis import Diagnosis, Excerpt, Holding, Step
from pyqio.verify.hints import Hint
from pyqio.verify.untrusted import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.verify.journal import Operation

VERSION: Final = 1
LARGEST: Final = 4 << 20
MOST_OPERATIONS: Final = 300

_MOST_RUNS: Final = 1024
_MOST_STEPS: Final = 100
_MOST_WORDS: Final = 1000
_MOST_DATA: Final = 64 << 10


class Portrait(NamedTuple):
    """One side of a pair, as it was: see the module; ``path`` is "" and ``driver`` any where it is no plain file."""

    path: str
    driver: str
    size: int
    file_size: int
    mtime_ns: int


class Case(Record):
    """One report; see the module."""

    when: float
    program: str
    command_line: tuple[str, ...]
    folder: str
    raw: Portrait
    test: Portrait
    diagnosis: Diagnosis
    contents: tuple[Excerpt, ...]
    operations: tuple[Operation, ...]

    @property
    def finding(self) -> str:
        """The digest of what it is about."""
        from hashlib import blake2b

        diagnosis = self.diagnosis
        about = (self.raw.path, self.test.path, diagnosis.operation, diagnosis.offset, diagnosis.length)
        return blake2b(repr(about).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def values(diagnosis: Diagnosis) -> dict[str, Any]:
    """A diagnosis as JSON has it."""
    excerpt = diagnosis.excerpt
    return {
        "operation": diagnosis.operation,
        "offset": diagnosis.offset,
        "length": diagnosis.length,
        "message": diagnosis.message,
        "runs": [list(run) for run in diagnosis.runs],
        "run_count": diagnosis.run_count,
        "byte_count": diagnosis.byte_count,
        "sector_count": diagnosis.sector_count,
        "end": diagnosis.end,
        "alignment": diagnosis.alignment,
        "sides": [{**side._asdict(), "way": [list(step) for step in side.way]} for side in diagnosis.sides],
        "excerpt": None if excerpt is None else _piece_values(excerpt),
        "operations": [journal_store.values(operation) for operation in diagnosis.operations],
        "hints": [list(hint) for hint in diagnosis.hints],
    }


def case_values(case: Case) -> dict[str, Any]:
    """A report as JSON has it, the digest among the first."""
    return {
        "pyqio_report": VERSION,
        "finding": case.finding,
        "when": case.when,
        "program": case.program,
        "command_line": list(case.command_line),
        "folder": case.folder,
        "images": {"raw": case.raw._asdict(), "test": case.test._asdict()},
        "diagnosis": values(case.diagnosis),
        "contents": [_piece_values(piece) for piece in case.contents],
        "operations": [journal_store.values(operation) for operation in case.operations],
    }


def _piece_values(piece: Excerpt) -> dict[str, Any]:
    return {"offset": piece.offset, "raw": piece.raw.hex(), "test": piece.test.hex()}


def case(found: Any) -> Case:
    """The report that JSON tells of.  Raises Malformed."""
    if not isinstance(found, dict) or "pyqio_report" not in found:
        raise Malformed("it does not say so")
    if found["pyqio_report"] != VERSION:
        raise Malformed(f"its version is not {VERSION}")
    images = untrusted.mapping(found.get("images"), "images")
    return Case(
        when=untrusted.moment(found, "when"),
        program=untrusted.text(found, "program"),
        command_line=tuple(_texts(found, "command_line", _MOST_WORDS)),
        folder=untrusted.text(found, "folder"),
        raw=_portrait(images.get("raw")),
        test=_portrait(images.get("test")),
        diagnosis=_diagnosis(untrusted.mapping(found.get("diagnosis"), "diagnosis")),
        contents=tuple(map(_piece, untrusted.sequence(found, "contents", _MOST_RUNS))),
        operations=tuple(map(journal_store.operation, untrusted.sequence(found, "operations", MOST_OPERATIONS))),
    )


def _portrait(found: Any) -> Portrait:
    found = untrusted.mapping(found, "an image")
    path, driver = untrusted.text(found, "path"), untrusted.text(found, "driver")
    return Portrait(path, driver, *(untrusted.number(found, name) for name in ("size", "file_size", "mtime_ns")))


def _diagnosis(found: dict[str, Any]) -> Diagnosis:
    excerpt = found.get("excerpt")
    return Diagnosis(
        operation=untrusted.text(found, "operation"),
        offset=untrusted.number(found, "offset"),
        length=untrusted.number(found, "length"),
        message=untrusted.text(found, "message"),
        runs=tuple(_runs(found)),
        run_count=untrusted.number(found, "run_count"),
        byte_count=untrusted.number(found, "byte_count"),
        sector_count=untrusted.number(found, "sector_count"),
        end=untrusted.number(found, "end"),
        alignment=untrusted.text(found, "alignment"),
        sides=tuple(map(_holding, untrusted.sequence(found, "sides", 2))),
        excerpt=None if excerpt is None else _piece(excerpt),
        operations=tuple(map(journal_store.operation, untrusted.sequence(found, "operations", MOST_OPERATIONS))),
        hints=tuple(Hint(*words) for words in _rows(found, "hints", str, str)),
    )


def _runs(found: dict[str, Any]) -> Iterator[Run]:
    last = 0
    for start, end in _rows(found, "runs", int, int):
        if not last <= start < end <= untrusted.LARGEST:
            raise Malformed("its runs are not in order")
        last = end
        yield Run(start, end)


def _holding(found: Any) -> Holding:
    found = untrusted.mapping(found, "a side")
    way = tuple(Step(*words) for words in _rows(found, "way", str, str, str, bool, int, str, str))
    key, name, driver, held, error = (untrusted.text(found, name) for name in Holding._fields[:5])
    if key not in ("raw", "test"):
        raise Malformed("a side is neither raw nor test")
    return Holding(key, name, driver, held, error, way)


def _piece(found: Any) -> Excerpt:
    found = untrusted.mapping(found, "a piece")
    return Excerpt(
        untrusted.number(found, "offset"),
        untrusted.data(found, "raw", _MOST_DATA),
        untrusted.data(found, "test", _MOST_DATA),
    )


def _rows(found: dict[str, Any], name: str, *kinds: type) -> Iterator[list[Any]]:
    """Lists of values of these types."""
    for row in untrusted.sequence(found, name, _MOST_RUNS):
        if not isinstance(row, list) or [type(value) for value in row] != list(kinds):
            raise Malformed(f"{name} has something else in it")
        if any(type(value) is int and not 0 <= value <= untrusted.LARGEST for value in row):
            raise Malformed(f"{name} has a number in it that is too large")
        yield [value[: untrusted.LONGEST] if isinstance(value, str) else value for value in row]


def _texts(found: dict[str, Any], name: str, most: int) -> Iterator[str]:
    for word in untrusted.sequence(found, name, most):
        if not isinstance(word, str):
            raise Malformed(f"{name} has something else in it")
        yield word[: untrusted.LONGEST]
