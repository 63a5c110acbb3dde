"""Ways, structures and trees as lines; and that JSON has them as its schema says."""

from __future__ import annotations

import json

import jsonschema
import pytest

from pyqio.base.structure import FLAGS, TEXT, Bits, Field, Onward, Structure
from pyqio.cli.emit.schema import schema
from pyqio.commands.results import Leaf, Step, Tree, Way
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.render.spans import plain
from pyqio.render.structure import lines_of

SCHEMA = jsonschema.Draft202012Validator(schema())


def text(result, *, unicode=False):
    return plain(lines_of(result, unicode=unicode)).splitlines()


def step(**values):
    return Step(
        **{
            "path": "test",
            "node": "#block0",
            "driver": "qcow2",
            "filename": "a\x1b[31m.img",
            "offset": 0,
            "kind": "data",
            "next": (Onward("file", 0x50000),),
            "facts": {},
            "wrong": (),
        }
        | values
    )


def leaf(depth, path):
    return Leaf(depth=depth, path=path, node="n", driver="d", role="", size=512, read_only=True, filename="")


def test_way_when_shown_then_names_are_visible_and_the_kind_says_where_it_goes_on():
    assert text(Way(offset=512, steps=[step()])) == [
        "guest offset 0x200 (512): sector 1, byte 0x0",
        "test: qcow2, a\\x1b[31m.img",
        "    data at 0x50000 of test.file",
    ]


def test_way_when_facts_are_long_then_folded_within_79_columns():
    facts = {"l1": {f"name_{at}_offset": at << 40 for at in range(9)}, "flag": {"copied": True, "zero": False}}

    lines = text(Way(offset=0, steps=[step(facts=facts)]))

    assert max(map(len, lines)) <= 79
    assert lines[3].startswith("    L1: name 0 offset 0x0, name 1 offset 0x10000000000,")
    assert lines[4].startswith("        name ")
    assert lines[-1] == "    flag: copied, not zero"


def test_way_when_something_is_wrong_then_marked_and_in_its_role():
    lines = list(lines_of(Way(offset=0, steps=[step(wrong=("it is broken", "word " * 20))]), unicode=False))

    assert lines[-3:] == [
        [("bad", "  ! it is broken")],
        [("bad", "  ! " + "word " * 14 + "word")],
        [("bad", "    " + "word " * 4 + "word")],
    ]


def test_structure_when_shown_then_fields_bits_and_what_is_wrong():
    bits = (Bits(high=63, low=63, name="copied", value=1), Bits(high=8, low=0, name="reserved", value=3, wrong="not 0"))
    parts = [
        Field(offset=0x100, data=b"\x80\x00", name="entry", value=0x8000, form=FLAGS, meaning="leads on", bits=bits),
        Field(offset=0x108, data=b"x" * 20, name="name", value="x\n", form=TEXT, meaning="m" * 60),
    ]

    assert text(Structure(name="L2 entry", where="x.img", offset=0x100, parts=parts, wrong=("all of it",))) == [
        "L2 entry at 0x100 of x.img",
        "  100  80 00                       entry  0x8000  leads on",
        "       bits 63     copied               1",
        "       bits 8-0    reserved             3  ! not 0",
        "  108  78 78 78 78 78 78 78 78 ..  name   x\\n",
        "            " + "m" * 60,
        "  ! all of it",
    ]


@pytest.mark.parametrize(
    ("unicode", "drawn"),
    [
        (False, ["d, ", "+- a: ", "|  `- b: ", "`- c: ", "   +- d: ", "   `- e: "]),
        (True, ["d, ", "├─ a: ", "│  └─ b: ", "└─ c: ", "   ├─ d: ", "   └─ e: "]),
    ],
)
def test_tree_when_shown_then_lines_lead_from_each_node_to_those_below(unicode, drawn):
    nodes = [leaf(0, "."), leaf(1, "a"), leaf(2, "a.b"), leaf(1, "c"), leaf(2, "c.d"), leaf(2, "c.e")]

    lines = text(Tree(nodes=nodes), unicode=unicode)

    assert [line[: len(start)] for line, start in zip(lines, drawn, strict=True)] == drawn


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("where 64k", {"where"}),
        ("where --raw 64k", {"structure"}),
        ("tree", {"node"}),
        ("children", {"children"}),
        ("peek guid 0", {"structure"}),
        ("read -t l2", {"structure"}),
        ("read -t gpt", {"structure"}),
        ("read --raw 0 16", {"dump"}),
        ("search --all 0x11 64k 4", {"hit"}),
        ("search nothing", {"note"}),
        ("poke --child test u8 64k 1", {"said"}),
    ],
)
def test_json_when_asked_for_then_objects_of_the_schema(record, tmp_path, line, kinds):
    recorder = record()
    (tmp_path / "raw.img").write_bytes(bytes(1 << 20))
    Qcow2.create("test.qcow2", 1 << 20, {})
    recorder.run("open blkverify:raw.img:test.qcow2", "write -q -P 0x11 64k 4k", "set format json")

    objects = [json.loads(printed) for printed in recorder.run(line)[0].splitlines()]

    assert {found["type"] for found in objects} == kinds
    assert [list(SCHEMA.iter_errors(found)) for found in objects] == [[] for _ in objects]
