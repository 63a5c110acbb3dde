from __future__ import annotations

import json
import os

import jsonschema
import pytest

from pyqio.base.errors import BlockError, OpenError, OutcomeMismatch
from pyqio.cli.emit.schema import schema
from pyqio.commands import results as r
from pyqio.render.json import PIECE, Json

SCHEMA = jsonschema.Draft202012Validator(schema())


class Screen:
    def __init__(self, place=""):
        self.place = place
        self.printed = ""

    def out(self, text):
        self.printed += text


def shown(result, place=""):
    """The objects that a result becomes, each of them as the schema says."""
    screen = Screen(place)
    Json(screen).show(result)
    objects = [json.loads(line) for line in screen.printed.splitlines()]
    for found in objects:
        SCHEMA.validate(found)
    return objects


def test_transfer_when_shown_then_its_operation_is_a_verb():
    result = r.Transfer(verb="wrote", offset=512, length=1024, elapsed=0.5)

    assert shown(result) == [
        {"type": "transfer", "operation": "write", "offset": 512, "length": 1024, "elapsed": 0.5}
    ]  # fmt: skip


def test_dump_when_windows_are_long_then_pieces_are_bounded():
    windows = [b"\x00" * 10, memoryview(b"\xff" * (PIECE + 1))]

    pieces = shown(r.Dump(offset=5, length=sum(map(len, windows)), windows=windows))

    assert [(piece["offset"], len(piece["data"]) // 2) for piece in pieces] == [(5, 10), (15, PIECE), (15 + PIECE, 1)]
    assert pieces[2]["data"] == "ff"


def test_error_when_script_runs_then_names_its_place():
    error = BlockError("no such luck", errno=5, offset=7)

    assert shown(r.Failed(verb="read", error=error), place="<stdin>:3") == [
        {
            "type": "error",
            "kind": "failed",
            "message": "no such luck",
            "command": "read",
            "errno": 5,
            "offset": 7,
            "delayed": False,
            "place": "<stdin>:3",
        }
    ]


def test_error_when_name_is_not_utf8_then_its_bytes_survive():
    name = os.fsdecode(b"a\xff\n\x1b.img")

    (found,) = shown(r.OpenFailed(filename=name, error=OpenError("gone", hint="look elsewhere")))

    assert os.fsencode(found["filename"]) == b"a\xff\n\x1b.img"
    assert found["hint"] == "look elsewhere"


def test_mismatch_when_outcomes_differ_then_both_are_told():
    error = OutcomeMismatch(operation="write", offset=0, length=512, raw_error=None, test_error=BlockError("broken"))

    (found,) = shown(r.Diverged(error=error, alignment=1, nodes={}))

    assert (found["operation"], found["test-error"], "raw-error" in found) == ("write", "broken", False)


def test_table_when_shown_then_a_line_for_each_row_and_one_for_the_note():
    table = r.Table(
        name="length",
        columns=(r.Column("length", "size"),),
        rows=[(1,), (2,)],
        note="that is all",
    )

    assert shown(table) == [
        {"type": "length", "length": 1},
        {"type": "length", "length": 2},
        {"type": "note", "of": "length", "text": "that is all"},
    ]


def test_table_when_empty_then_a_note_says_so():
    table = r.Table(name="length", columns=(r.Column("length"),), rows=[], empty="nothing here")

    assert shown(table) == [{"type": "note", "of": "length", "text": "nothing here"}]


def test_facts_when_nested_then_names_are_spelled_alike_at_every_depth():
    screen = Screen()

    Json(screen).show(r.Facts(name="things", values={"host_offset": 1, "inner": {"a_b": [b"\x01", None]}}))

    assert json.loads(screen.printed) == {"type": "things", "host-offset": 1, "inner": {"a-b": ["01", None]}}


LINES = [
    "length; map; info; alloc 0 1M",
    "read -v 0 32; read -P 1 0 512; read 2M 1; read; read -q 0 512",
    "write -P 1 0 512; write -z 0 512; discard 0 512; flush",
    "aio_read -P 1 0 512; aio_write 0 512; aio_flush",
    "raed; open nosuch; help nosuch; check; break a b; write 1e 1",
    "help; help read; help sizes; help data",
    "create a.raw 1M; create -f qcow2 b.qcow2 1M; create -f qcow2 -o help; check b.qcow2; check --json b.qcow2",
    "close; open b.qcow2; snapshot -c one; snapshot -l; write 0 64k; check; info; map; truncate 2M; quit",
    "close; demo",
    "children; tree; where 0; where --raw 0; goto 512; back; forward; mark here; mark; print 2*64k; set; set diff",
    "close; open b.qcow2; children; tree; where 0; where --raw 0; write 0 64k; where 0; where --raw 0",
    "close; open blkverify:raw.img:copy.img; verify; read 0 4k; mismatches; next; prev; diff; diff 0 16; where 1k",
    "close; open blkverify:raw.img:copy.img; verify --repair-from raw -y; verify; mismatches; diff; read -v 0 64k",
    "alias x length; alias; x; time length; watch -n 0 -c 2 length; timing on; length; tee out.txt; length; tee off",
    "close; open blkverify:raw.img:copy.img; write 0 4k; read 0 64k; blame 0 4k; history; history --ops; explore",
    "peek -t u32le 0; poke 0 1; peek 0; search abc; search -x cd 1; read -t u64be 0 8; read -t mbr; colors",
    "close; open b.qcow2; read -t qcow2-header; read --child file -v 0 16; peek 0; read --raw 0 16; children; tree",
    "checkup; report found.html; read 0x1k 512; map --graph",
    "close; open blkverify:raw.img:copy.img; verify; map --graph; undo; set safe on; write 0 512; undo",
    "close; open b.qcow2; write 0 64k; close; open -o driver=raw b.qcow2; poke u64be 0x40000 0x8000000000070000; close;"
    "check b.qcow2; check -r all b.qcow2",
    "close; open blkverify:raw.img:b.qcow2; info; info --child test; check; check --child test; map --child raw",
]


@pytest.mark.parametrize("line", LINES)
def test_session_when_format_is_json_then_every_line_is_an_object_of_the_schema(raw, line, tmp_path):
    raw.run("create -q -f qcow2 b.qcow2 1M")
    (tmp_path / "copy.img").write_bytes(b"\xcd" * 1024 + bytes(512) + b"\xcd" * 64000 + bytes(983040))
    raw.session.settings.set("format", "json")
    raw.session.stop_on_divergence = False

    printed, told = raw.run(line)

    objects = [json.loads(text) for text in printed.splitlines()]
    problems = [(found, error.message) for found in objects for error in SCHEMA.iter_errors(found)]
    assert (problems, told) == ([], "")
    assert objects
