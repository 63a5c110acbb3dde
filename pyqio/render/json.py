"""Results for machines: one object of JSON a line, on standard output alone.

The objects are those of commands/shapes.  Text is ASCII with JSON's escapes, so that a line is a line whatever is
in a file's name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

from pyqio.base.compare import Differences
from pyqio.base.errors import MismatchError, OutcomeMismatch
from pyqio.base.record import Record
from pyqio.base.structure import Structure
from pyqio.commands import results as r
from pyqio.commands.rejected import near
from pyqio.render.check import image_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyqio.base.errors import BlockError
    from pyqio.base.types import SnapshotInfo
    from pyqio.commands.command import Spec
    from pyqio.verify.diagnosis import Diagnosis

PIECE: Final = 1 << 16
"""Bytes in one dump object at most."""

_NANO: Final = 10**9
_ENCODER: Final = json.JSONEncoder(allow_nan=False)


class Screen(Protocol):
    """Where text goes, and where the commands come from."""

    @property
    def place(self) -> str:
        """Name and line of the script's line that is being run, "" where there is no script."""
        ...

    def out(self, text: str) -> None:
        """To standard output."""
        ...


class Json:
    """Shows results on ``screen``, each as a line or more."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, result: r.Result) -> None:
        """Show one result.  Raises BlockError where a dump that streams cannot be read to its end."""
        for kind, values in self._objects(result):
            self._screen.out(_ENCODER.encode({"type": kind, **values}) + "\n")

    def _objects(self, result: r.Result) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each object's type, and its other members."""
        match result:
            case r.Transfer():
                operation = "write" if result.verb == "wrote" else result.verb
                yield "transfer", _range(result) | {"operation": operation, "elapsed": result.elapsed}
            case r.Dump() | r.Content():
                for offset, data in _pieces(result.offset, result.windows):
                    yield "dump", {"offset": offset, "data": data.hex()}
            case r.PatternMismatch():
                yield "pattern-mismatch", _members(result)
            case r.Failed() | r.CheckFailed() | r.OpenFailed() | r.Refused() | r.Unknown():
                yield "error", _error(result) | self._place()
            case r.Diverged():
                yield "mismatch", _mismatch(result) | self._place()
            case r.Diagnosed():
                yield "mismatch", _members(result.diagnosis) | {"staged": False}
            case r.Verified():
                yield "verify", _verified(result) | self._place()
            case r.Copied():
                yield "copied", _members(result)
            case r.Diff():
                yield from _diff(result)
            case r.GuessedRaw():
                yield "guessed-raw", {"filenames": list(result.filenames)}
            case r.Warned():
                yield "warning", {"message": result.message}
            case r.Said():
                yield "said", {"text": result.text}
            case r.Length():
                yield "length", {"length": result.length}
            case r.Allocated():
                yield "allocated", _members(result)
            case r.Map():
                for offset, length, allocated in result.runs:
                    yield "map", {"offset": offset, "length": length, "allocated": allocated}
            case r.Strip():
                for offset, length, state in result.runs:
                    yield "strip", {"offset": offset, "length": length, "state": state}
                for run in result.differing:
                    yield "differing", {"offset": run.start, "length": run.length}
            case r.Info():
                yield "info", _info(result)
            case r.Snapshots():
                for snapshot in result.snapshots:
                    yield "snapshot", _snapshot(snapshot)
            case r.Found():
                yield "finding", {"text": result.text}
            case r.Repaired():
                yield "repaired", {"leaks-fixed": result.leaks, "corruptions-fixed": result.corruptions}
            case r.Checked():
                yield "check", image_check(result)
            case r.Created():
                options = dict(result.options)
                yield "created", {"filename": result.filename, "format": result.format, "options": options}
            case r.CreateOptions():
                for name, option in sorted(result.options.items()):
                    about = {"name": name, "kind": option.kind.name, "meaning": option.meaning}
                    yield "create-option", {"format": result.format} | about
            case r.Table():
                yield from _rows(result)
            case r.Facts():
                yield result.name, _plain(result.values)
            case r.Way():
                yield "where", _members(result)
            case Structure():
                yield "structure", _members(result)
            case r.Tree():
                yield from (("node", _members(leaf)) for leaf in result.nodes)
            case r.Helped():
                yield "help", _help(result.spec, result.group) | {"see-also": list(result.see_also)}
            case r.HelpedAll():
                yield from (("help", _help(spec, title)) for title, specs in result.groups for spec in specs)
                yield from (("topic", {"name": name, "summary": summary}) for name, summary in result.topics)
            case r.HelpedTopic():
                yield "topic", _members(result)
            case _:
                assert_never(result)

    def _place(self) -> dict[str, str]:
        return {"place": self._screen.place} if self._screen.place else {}


def _range(result: r.Transfer) -> dict[str, Any]:
    return {"offset": result.offset, "length": result.length}


def _pieces(offset: int, windows: Iterable[bytes | bytearray | memoryview]) -> Iterator[tuple[int, memoryview]]:
    for window in windows:
        view = memoryview(window)
        for at in range(0, len(view), PIECE):
            yield offset + at, view[at : at + PIECE]
        offset += len(view)


def _error(result: r.Failed | r.CheckFailed | r.OpenFailed | r.Refused | r.Unknown) -> dict[str, Any]:
    match result:
        case r.Failed():
            return _failure("failed", result.error, result.verb) | {"delayed": result.delayed}
        case r.CheckFailed():
            return _failure("check-failed", result.error, "check")
        case r.OpenFailed():
            named = {} if result.filename is None else {"filename": result.filename}
            hint = {"hint": result.error.hint} if result.error.hint else {}
            return _failure("open-failed", result.error, "open") | named | hint
        case r.Refused():
            command = {"command": result.spec.name} if result.spec else {}
            return {"kind": "refused", "message": str(result.reason) or _usage(result.spec)} | command
        case r.Unknown():
            message = f'command "{result.name}" not found'
            likely = near(result.name, result.known)
            return {"kind": "unknown-command", "message": message, "command": result.name, "suggestions": likely}


def _failure(kind: str, error: BlockError, command: str) -> dict[str, Any]:
    known = {"node": error.node, "offset": error.offset}
    values = {"kind": kind, "message": error.message, "command": command, "errno": error.errno}
    return values | {name: value for name, value in known.items() if value is not None}


def _usage(spec: Spec | None) -> str:
    return f"usage: {spec.name} {spec.synopsis or ''}".rstrip() if spec else "the line has no meaning"


def _mismatch(result: r.Diverged) -> dict[str, Any]:
    error = result.error
    values = {
        "operation": error.operation,
        "offset": error.offset or 0,
        "length": error.length,
        "message": error.message,
        "staged": result.staged,
    }
    if isinstance(error, MismatchError):
        values |= _found(error.differences)
    elif isinstance(error, OutcomeMismatch):
        sides = {"raw-error": error.raw_error, "test-error": error.test_error}
        values |= {name: failure.message for name, failure in sides.items() if failure}
    return values | _diagnosed(result.diagnosis)


def _diagnosed(diagnosis: Diagnosis | None) -> dict[str, Any]:
    """What was found out about a disagreement beyond the disagreement itself."""
    if diagnosis is None:
        return {}
    names = ("end", "alignment", "sides", "excerpt", "operations", "hints", "report", "unreported")
    return {name: _plain(getattr(diagnosis, name)) for name in names}


def _found(found: Differences) -> dict[str, Any]:
    return {
        "byte-count": found.byte_count,
        "run-count": found.run_count,
        "sector-count": found.sector_count,
        "runs": [{"start": run.start, "end": run.end} for run in found.runs],
    }


def _verified(result: r.Verified) -> dict[str, Any]:
    names = ("pair", "raw", "test", "raw_length", "test_length", "offset", "length", "until", "read", "elapsed")
    unreadable = [
        {"side": at.side, "start": at.run.start, "end": at.run.end, "errno": at.errno, "message": at.message}
        for at in result.unreadable
    ]
    return {
        **{_word(name): getattr(result, name) for name in names},
        "agrees": result.agrees,
        **_found(result.error.differences if result.error else Differences()),
        "unreadable-count": result.unreadable_count,
        "unreadable": unreadable,
        **_diagnosed(result.diagnosis),
    }


def _diff(diff: r.Diff) -> Iterator[tuple[str, dict[str, Any]]]:
    known = {"number": diff.number, "count": diff.count, "run": _plain(diff.run)} if diff.run else {}
    for part in diff.parts:
        for at in range(0, part.length, PIECE):
            sides = {"raw": part.raw[at : at + PIECE].hex(), "test": part.test[at : at + PIECE].hex()}
            errors = {"raw-error": part.raw_error, "test-error": part.test_error}
            values = {"offset": part.offset + at, "length": min(PIECE, part.length - at), **sides}
            yield "diff", values | {name: message for name, message in errors.items() if message} | known


def _rows(table: r.Table) -> Iterator[tuple[str, dict[str, Any]]]:
    names = [_word(column.name) for column in table.columns]
    for row in table.rows:
        yield table.name, dict(zip(names, map(_plain, row), strict=True))
    for text in filter(None, ("" if table.rows else table.empty, table.note)):
        yield "note", {"of": table.name, "text": text}


def _info(info: r.Info) -> dict[str, Any]:
    values: dict[str, Any] = {"format": info.format}
    if info.cluster_size is not None:
        values |= {"cluster-size": info.cluster_size, "vm-state-offset": info.vm_state_offset}
    if info.sides:
        values["sides"] = _plain(info.sides)
    return values | ({"format-specific": _plain(info.specific)} if info.specific else {})


def _snapshot(snapshot: SnapshotInfo) -> dict[str, Any]:
    values = {
        "id": snapshot.id,
        "name": snapshot.name,
        "vm-state-size": snapshot.vm_state_size,
        "disk-size": snapshot.disk_size,
        "date-sec": snapshot.date_seconds,
        "date-nsec": snapshot.date_ns,
        "vm-clock-sec": snapshot.vm_clock_ns // _NANO,
        "vm-clock-nsec": snapshot.vm_clock_ns % _NANO,
    }
    return values if snapshot.icount is None else values | {"icount": snapshot.icount}


def _help(spec: Spec, group: str) -> dict[str, Any]:
    options = [
        {
            "letter": flag.letter,
            "long": flag.long,
            "argument": kind.name if kind else "",
            "meaning": flag.meaning,
        }
        for flag, _, kind in spec.options.values()
    ]
    return {
        "name": spec.name,
        "group": group,
        "aliases": spec.aliases,
        "synopsis": spec.synopsis or "",
        "summary": spec.summary,
        "about": spec.about.replace("{flags}", "").strip("\n"),
        "options": options,
    }


def _members(record: Record) -> dict[str, Any]:
    """A record's fields, by their names."""
    return {_word(name): _plain(getattr(record, name)) for name in record.fields()}


def _plain(value: Any) -> Any:
    """What JSON knows of a value: records and mappings are objects, bytes are hexadecimal digits."""
    if isinstance(value, Record):
        return _members(value)
    if hasattr(value, "items"):
        return {_word(str(name)): _plain(inner) for name, inner in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return value.hex()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _word(name: str) -> str:
    """A name as QAPI spells it."""
    return name.replace("_", "-").replace(" ", "-")
