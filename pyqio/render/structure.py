"""The way of a guest byte, metadata field by field, and the graph of nodes, as lines of spans.

test: qcow2, test.qcow2
    data at 0x50234 of test.file
    l1: index 0, entry 0x8000000000040000, entry offset 0x30000, copied
  ! the host cluster at 0x50000 has refcount 2, but COPIED says 1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.base import structure as s
from pyqio.commands.results import Tree, Way
from pyqio.render.figures import human
from pyqio.render.names import shortened, visible
from pyqio.render.spans import width as length_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyqio.commands.results import Leaf, Step
    from pyqio.render.spans import Line

WIDTH: Final = 79
_NARROWEST: Final = 40
_INDENT: Final = "    "
_HEXADECIMAL: Final = ("offset", "entry", "bitmap", "length", "byte")
_SIZES: Final = ("size",)
_SHOWN_BYTES: Final = 8
_KIND_ROLES: Final = {
    "data": "data",
    "zero": "zero",
    "hole": "zero",
    "compressed": "compressed",
    "unallocated": "unallocated",
    "damaged": "bad",
    "unknown": "bad",
}
_UNICODE: Final = ("├─ ", "└─ ", "│  ", "   ")
_ASCII: Final = ("+- ", "`- ", "|  ", "   ")


def lines_of(result: Way | s.Structure | Tree, *, unicode: bool, width: int = WIDTH) -> Iterator[Line]:
    """The lines of one of these, of ``width`` columns where words can be folded.

    ``unicode``: lines may be drawn with characters that are not ASCII.
    """
    width = max(width, _NARROWEST)
    match result:
        case s.Structure():
            return structure_lines(result, width)
        case Tree():
            return tree_lines(result, unicode=unicode)
        case Way():
            return way_lines(result, width)


def way_lines(way: Way, width: int) -> Iterator[Line]:
    """A paragraph for each node on the way."""
    sector, byte = divmod(way.offset, 512)
    yield [("heading", f"guest offset {way.offset:#x}"), ("dim", f" ({way.offset}): sector {sector}, byte {byte:#x}")]
    for step in way.steps:
        yield from _step_lines(step, width)


def structure_lines(structure: s.Structure, width: int) -> Iterator[Line]:
    """A line for each field and for each group of bits in it."""
    where = f" of {shortened(visible(structure.where), 40)}" if structure.where else ""
    yield [("heading", structure.name), ("dim", " at "), ("offset", f"{structure.offset:#x}"), ("dim", where)]
    digits = max((len(f"{part.offset:x}") for part in structure.parts), default=1)
    names = max((len(part.name) for part in structure.parts), default=0)
    room = max((len(_hex(part.data)) for part in structure.parts), default=0)
    for part in structure.parts:
        yield from _field_lines(part, width, digits=digits, names=names, room=room)
    for text in structure.wrong:
        yield from _wrong_lines(text, width)


def tree_lines(tree: Tree, *, unicode: bool) -> Iterator[Line]:
    """The nodes, with lines drawn from each to those below it."""
    branch, last, passing, blank = _UNICODE if unicode else _ASCII
    for at, leaf in enumerate(tree.nodes):
        art = ""
        for depth in range(1, leaf.depth):
            art += passing if _continues(tree.nodes, at, depth) else blank
        if leaf.depth:
            art += branch if _continues(tree.nodes, at, leaf.depth) else last
        key = leaf.path.rpartition(".")[2]
        label = f"{key}: " if leaf.depth else ""
        state = "ro" if leaf.read_only else "rw"
        yield [
            ("dim", art),
            ("heading", label),
            ("", f"{leaf.driver}, {human(leaf.size)}, {state}"),
            ("dim", f"  {leaf.node}"),
            ("", f"  {visible(leaf.filename)}" if leaf.filename else ""),
        ]


def _continues(nodes: Sequence[Leaf], at: int, depth: int) -> bool:
    """Whether another node at ``depth`` follows below the same parent."""
    following = next((leaf.depth for leaf in nodes[at + 1 :] if leaf.depth <= depth), 0)
    return following == depth


def _step_lines(step: Step, width: int) -> Iterator[Line]:
    name = visible(step.filename or step.node)
    yield [("heading", f"{step.path}: "), ("", f"{step.driver}, {shortened(name, 60)}")]
    prefix = "" if step.path == "." else f"{step.path}."
    goes = " and ".join(f"{at:#x} of {prefix}{key}" for key, at in step.next)
    kind = (_KIND_ROLES.get(step.kind, ""), step.kind)
    if goes:
        yield [("", _INDENT), kind, ("", f" at {goes}")]
    else:
        yield [("", _INDENT), kind, ("", f" at {step.offset:#x}" if step.kind in ("data", "hole") else "")]
    for group, values in step.facts.items():
        yield from _fact_lines(group, values, width)
    for text in step.wrong:
        yield from _wrong_lines(text, width)


def _fact_lines(name: str, value: Any, width: int) -> Iterator[Line]:
    """One group, folded where it is too long for a line."""
    label = f"{_INDENT}{_words(name).replace('l1', 'L1').replace('l2', 'L2')}: "
    pieces = list(_pieces(value)) if isinstance(value, dict) else [_value(name, value)]
    line, used = [("dim", label)], len(label)
    for at, text in enumerate(pieces):
        comma = "," if at + 1 < len(pieces) else ""
        if used + len(text) + len(comma) > width and at:
            yield _stripped(line)
            line, used = [("", _INDENT * 2)], 2 * len(_INDENT)
        line += [("", f"{text}{comma} ")]
        used += len(text) + len(comma) + 1
    yield _stripped(line)


def _stripped(line: Line) -> Line:
    """The line without the blank after its last piece."""
    role, text = line[-1]
    return [*line[:-1], (role, text.rstrip())]


def _pieces(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, bool):
            yield _words(name) if value else f"not {_words(name)}"
        elif isinstance(value, list):
            for item in value:
                yield f"{_words(name).removesuffix('s')} {' '.join(_pieces(item)) if isinstance(item, dict) else item}"
        elif value != "":
            yield f"{_words(name)} {_value(name, value)}"


def _value(name: str, value: Any) -> str:
    if isinstance(value, int) and name.endswith(_HEXADECIMAL):
        return f"{value:#x}"
    return human(value) if name.endswith(_SIZES) else visible(str(value))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _wrong_lines(text: str, width: int) -> Iterator[Line]:
    from textwrap import wrap

    lines = wrap(visible(text), width, initial_indent="  ! ", subsequent_indent="    ", break_on_hyphens=False)
    yield from ([("bad", line)] for line in lines)


def _field_lines(part: s.Field, width: int, *, digits: int, names: int, room: int) -> Iterator[Line]:
    line: Line = [
        ("offset", f"  {part.offset:0{digits}x}  "),
        ("", f"{_hex(part.data):{room}}  "),
        ("dim", f"{part.name:{names}}  "),
        ("", _shown(part.value, part.form)),
    ]
    yield from _with_meaning(line, part.meaning, part.wrong, width)
    for bits in part.bits:
        place = f"{bits.high}" if bits.high == bits.low else f"{bits.high}-{bits.low}"
        row: Line = [("dim", f"{'':{digits + 4}}bits {place:6} {_words(bits.name):20} "), ("", "")]
        row[1] = ("", _shown(bits.value, bits.form))
        yield from _with_meaning(row, bits.meaning, bits.wrong, width)


def _with_meaning(line: Line, meaning: str, wrong: str, width: int) -> Iterator[Line]:
    """The line, with what there is to say of it behind it, or below it where it is long."""
    extra: list[tuple[str, str]] = [("dim", meaning)] if meaning else []
    extra += [("bad", f"! {wrong}")] if wrong else []
    for role, text in extra:
        if length_of(line) + len(text) + 2 <= width:
            line = [*line, ("", "  "), (role, visible(text))]
        else:
            yield line
            line = [("", f"{'':12}"), (role, visible(text))]
    yield line


def _hex(data: bytes) -> str:
    shown = data[:_SHOWN_BYTES].hex(" ")
    return f"{shown} .." if len(data) > _SHOWN_BYTES else shown


def _shown(value: int | str, form: str) -> str:
    if isinstance(value, str):
        return visible(value)
    if form in (s.OFFSET, s.FLAGS):
        return f"{value:#x}"
    return human(value) if form == s.SIZE else str(value)
