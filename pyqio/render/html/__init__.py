"""What a session has found, as a page of HTML that needs nothing else: no script, no reference to anything outside.

Everything that comes from outside is escaped, and everything that may be long is cut, so that a session with
thousands of operations and differences still makes a page that opens at once.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

import pyqio
from pyqio.base.errors import BlockError
from pyqio.block import paths
from pyqio.render.figures import human
from pyqio.render.html import strip
from pyqio.render.html.markup import counted, element, table, text
from pyqio.render.html.mismatch import mismatch
from pyqio.render.html.rows import rows
from pyqio.render.html.style import STYLE
from pyqio.verify.pair import pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.base.types import Run
    from pyqio.block.image import Image
    from pyqio.block.node import Node
    from pyqio.commands.settings import Settings
    from pyqio.verify.diagnosis import Diagnosis
    from pyqio.verify.findings import Findings
    from pyqio.verify.journal import Journal, Operation
    from pyqio.verify.pair import Pair

_RUNS: Final = 1000
_OPERATIONS: Final = 1000
_MISMATCHES: Final = 100
_DUMPED: Final = 16
"""Differing runs whose bytes are shown."""
_BYTES: Final = 64
"""Bytes that are shown of each, at most."""
_ROW: Final = 16


class Source(Protocol):
    """The session that the page is about."""

    @property
    def image(self) -> Image:
        """The open image."""
        ...

    @property
    def has_image(self) -> bool:
        """Whether an image is open."""
        ...

    @property
    def journal(self) -> Journal:
        """What was done."""
        ...

    @property
    def findings(self) -> Findings:
        """Where the sides of the open pair are known to differ."""
        ...

    @property
    def diagnoses(self) -> Sequence[Diagnosis]:
        """What is known of each mismatch."""
        ...

    settings: Settings


def page(source: Source) -> Iterator[str]:
    """The page, in pieces."""
    image = source.image if source.has_image else None
    runs = source.findings.runs
    title = f"pyqio: {text(image.filename)}" if image else "pyqio"
    yield f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    yield element("p", time.strftime("%Y-%m-%d %H:%M:%S %z"), "dim")
    yield _verdict(source, runs)
    if image:
        yield from _tree(image)
        yield from _map(image, runs)
    yield from _mismatches(source.diagnoses)
    yield from _differences(image, runs)
    yield from _operations(source.journal.operations(), runs)
    yield from _circumstances(source.settings)
    yield "</body>\n</html>\n"


def _verdict(source: Source, runs: Sequence[Run]) -> str:
    if not runs and not source.diagnoses:
        return element("p", "No mismatch was found.", "verdict ok")
    total = sum(run.length for run in runs)
    known = f"{counted(total, 'byte')} in {counted(len(runs), 'run')} known to differ"
    reported = f"{counted(len(source.diagnoses), 'mismatch', 'mismatches')} reported"
    return element("p", f"{reported}, {known}." if source.diagnoses else f"{known}.", "verdict bad")


def _tree(image: Image) -> Iterator[str]:
    yield "<h2>What was open</h2>\n"
    places = list(paths.places(image.node))
    lines = (
        (
            "&emsp;" * place.depth + element("code", text(place.path)),
            text(place.node.driver.name),
            text(human(place.node.length())),
            "read-only" if place.node.read_only else "writable",
            element("span", text(place.node.filename), "mono"),
        )
        for place in places
    )
    yield from table(("node", "driver", "size", "access", "file"), lines, right=(2,))


def _map(image: Image, runs: Sequence[Run]) -> Iterator[str]:
    pair = next(pairs(image.node), None)
    nodes = [("raw", pair.raw), ("test", pair.test)] if pair else [("image", image.node)]
    length = max(node.length() for _, node in nodes)
    if not length:
        return
    strips = []
    for name, node in nodes:
        try:
            strips.append((name, strip.allocation(node.block_status(0, node.length()), length)))
        except BlockError as error:
            yield element("p", f"The {name} side has no map: {text(error.message)}", "bad")
    if runs:
        strips.append(("differ", strip.differing(runs, length)))
    yield "<h2>Map</h2>\n"
    yield from strip.drawn(strips, length)
    legend = f"0 to {length:#x}. Green is data, light green a little of it, grey is zero, pale is not allocated."
    legend += " Red is where the sides differ." if runs else ""
    yield element("p", legend, "dim")


def _mismatches(diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    if diagnoses:
        yield "<h2>Mismatches</h2>\n"
    for number, diagnosis in enumerate(diagnoses[:_MISMATCHES], 1):
        yield from mismatch(number, diagnosis)
    yield _more(len(diagnoses) - _MISMATCHES, "mismatches")


def _differences(image: Image | None, runs: Sequence[Run]) -> Iterator[str]:
    if not runs:
        return
    yield "<h2>Where the sides differ</h2>\n"
    pair = next(pairs(image.node), None) if image else None
    if pair:
        for run in runs[:_DUMPED]:
            yield element("h3", f"[{run.start:#x}, {run.end:#x}), {counted(run.length, 'byte')}")
            yield _dump(pair, run)
    lines = ((f"{run.start:#x}", f"{run.end:#x}", text(human(run.length))) for run in runs[:_RUNS])
    yield "<h3>All runs</h3>\n"
    yield from table(("start", "end", "length"), lines, right=(0, 1, 2))
    yield _more(len(runs) - _RUNS, "runs")


def _dump(pair: Pair, run: Run) -> str:
    start = run.start - run.start % _ROW
    end = min(-(-run.end // _ROW) * _ROW, start + _BYTES)
    try:
        shown = rows(start, _bytes(pair.raw, start, end), _bytes(pair.test, start, end))
    except BlockError as error:
        return element("p", f"They cannot be read: {text(error.message)}", "bad")
    return shown + _more(run.end - end, "bytes")


def _bytes(node: Node, start: int, end: int) -> bytes:
    """What a side holds, up to its end."""
    data = bytearray(max(0, min(end, node.length()) - start))
    node.pread(start, memoryview(data))
    return bytes(data)


def _operations(operations: Sequence[Operation], runs: Sequence[Run]) -> Iterator[str]:
    yield "<h2>Operations</h2>\n"
    if not operations:
        yield element("p", "None was noted.", "dim")
        return
    yield _more(len(operations) - _OPERATIONS, "earlier ones")
    lines = (
        _operation(operation, runs) for operation in islice(operations, max(0, len(operations) - _OPERATIONS), None)
    )
    yield from table(("", "when", "command", "kind", "range", "outcome", "raw", "test", "session"), lines, right=(0,))
    if runs:
        yield element("p", "* touched bytes that are known to differ", "dim")


def _operation(operation: Operation, runs: Sequence[Run]) -> tuple[str, ...]:
    effect, outcome = operation.effect, operation.outcome
    touches = effect.changes and any(effect.touches(run.start, run.end) for run in runs[:_RUNS])
    number = f"{'* ' if touches else ''}{operation.number}"
    where = f"{effect.offset:#x}" + (f" + {effect.length:#x}" if effect.length else "")
    return (
        element("span", number, "touch") if touches else number,
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(operation.when)),
        element("code", text(operation.text)),
        text(effect.kind),
        element("span", where, "mono"),
        element("span", text(outcome.text), "" if outcome.text == "ok" else "bad"),
        text(outcome.raw),
        text(outcome.test),
        text(operation.session),
    )


def _circumstances(settings: Settings) -> Iterator[str]:
    from pyqio.commands.settings import SETTINGS

    host = os.uname()
    yield "<h2>Circumstances</h2>\n"
    facts = {
        "pyqio": pyqio.__version__,
        "Python": sys.version.partition(" ")[0],
        "host": f"{host.sysname} {host.release}, {host.machine}",
    }
    yield from table((), ((element("code", text(name)), text(value)) for name, value in facts.items()))
    chosen = {name: settings[name] for name, setting in SETTINGS.items() if settings[name] != setting.default}
    if chosen:
        yield "<h3>Settings that are not the usual ones</h3>\n"
        yield from table((), ((element("code", text(name)), text(value)) for name, value in chosen.items()))


def _more(count: int, what: str) -> str:
    return element("p", f"and {count} {what} more", "dim") if count > 0 else ""
