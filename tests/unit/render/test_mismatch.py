"""The report of a pair that does not agree, line by line."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

import pytest

from pyqio.base.errors import BlockError, MismatchError, OutcomeMismatch, VerifyError
from pyqio.base.types import ChildRole, Limits, Location, OpenFlags, Role
from pyqio.block.driver import Driver
from pyqio.block.edge import Edge
from pyqio.block.node import Node
from pyqio.drivers.filters.blkverify import BlkVerify
from pyqio.render.mismatch import WIDTH, closing, first_line, qemu_line, report
from pyqio.verify.diagnosis import Diagnosis, diagnose
from pyqio.verify.hints import Hint
from pyqio.verify.journal import Effect, Operation, Outcome

SIZE = 1 << 20
GUESSED = OpenFlags(probed=True)


@dataclass
class Disk(Driver):
    """Bytes from ``start`` on, zeroes before, and a story about where they live."""

    name = "disk"
    role = Role.FORMAT

    data: bytearray = field(default_factory=lambda: bytearray(b"\xcd" * SIZE))
    start: int = 0
    location: Location = field(default_factory=lambda: Location(kind="data"))
    cluster: int = 0
    failing_after: int = 1 << 30

    @classmethod
    def open(cls, options, opening):
        raise NotImplementedError

    def length(self):
        return self.start + len(self.data)

    def limits(self):
        return Limits(pwrite_zeroes_alignment=self.cluster)

    def pread(self, offset, buf, flags):
        self.failing_after -= 1
        if self.failing_after < 0:
            raise BlockError(errno=errno.EIO)
        before = max(0, self.start - offset)
        begin = max(0, offset - self.start)
        buf[:] = bytes(before) + self.data[begin : begin + len(buf) - before]

    def locate(self, offset):
        return self.location

    def close(self):
        pass


class File(Disk):
    name = "file"
    role = Role.PROTOCOL


def file_side(name="raw.img", **settings) -> Node:
    return Node("raw", File(**settings), OpenFlags(), filename=name)


def format_side(name="test.qcow2", flags=GUESSED, **settings) -> Node:
    return Node("test", Disk(**settings), flags, filename=name)


def put(parent: Node, key: str, child: Node) -> None:
    parent.children[key] = Edge(parent, key, ChildRole.FILTERED, child)


def disagree(raw: Node, test: Node, offset: int = 0, length: int = 4096) -> list[str]:
    """The report of a read of the pair; the nodes have the pair's name where they are looked up."""
    driver = BlkVerify(raw, test)
    node = Node("pair", driver, OpenFlags())
    put(node, "raw", raw)
    put(node, "test", test)
    with pytest.raises(VerifyError) as caught:
        node.pread(offset, memoryview(bytearray(length)))
    driver.close()
    return list(report(diagnose(caught.value, {"pair": node})))


def differing(*ranges: tuple[int, int], size: int = SIZE) -> bytearray:
    data = bytearray(b"\xcd" * size)
    for start, end in ranges:
        data[start:end] = bytes(end - start)
    return data


# The first line


def test_report_when_a_sector_differs_then_as_documented() -> None:
    location = Location(kind="unallocated", detail="L1[0] L2[0] = 0")

    lines = disagree(file_side(), format_side(data=differing((1024, 1536)), location=location))

    assert lines == [
        "blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2",
        "  512 of 4096 bytes differ in 1 run, 1 sector, 512-aligned: [0x400, 0x600)",
        "  raw   all 0xcd  raw.img: file offset 0x400",
        "  test  all zero  test.qcow2: unallocated, L1[0] L2[0] = 0",
        "  000003f0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................",
        "R 00000400:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................",
        "T 00000400:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................",
        "             ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^",
        "* 496 more bytes differ between 0x410 and 0x5ff                (diff 0x400 512)",
        "  hint: the test side has nothing allocated here",
    ]


@pytest.mark.parametrize(
    ("offset", "length", "line"),
    [
        (0, 512, "blkverify: read sector_num=0 nb_sectors=1 contents mismatch in sector 2"),
        (1024, 1, "blkverify: read sector_num=2 nb_sectors=1 contents mismatch in sector 2"),
        (500, 1025, "blkverify: read sector_num=0 nb_sectors=3 contents mismatch in sector 2"),
    ],
)
def test_first_line_when_not_whole_sectors_then_the_length_is_rounded_up(mismatch, offset, length, line) -> None:
    mismatch.offset, mismatch.length = offset, length

    assert first_line(diagnose(mismatch, {})) == line


@pytest.mark.parametrize(
    ("offset", "length", "alignment", "line"),
    [
        (1040, 20, 1, "blkverify: read offset=1040 bytes=20 contents mismatch at offset 1030"),
        (1040, 20, 512, "blkverify: read offset=1024 bytes=512 contents mismatch at offset 1030"),
        (500, 700, 512, "blkverify: read offset=0 bytes=1536 contents mismatch at offset 1030"),
    ],
)
def test_qemu_line_when_widened_by_alignment_then_as_qemu_io_prints_it(
    mismatch, offset, length, alignment, line
) -> None:
    mismatch.offset, mismatch.length = offset, length

    assert qemu_line(mismatch, alignment=alignment) == line


@pytest.fixture
def mismatch() -> MismatchError:
    raw, test = file_side(), format_side(data=differing((1030, 2000)))
    with pytest.raises(MismatchError) as caught:
        Node("pair", BlkVerify(raw, test), OpenFlags()).pread(0, memoryview(bytearray(4096)))
    return caught.value


# How much, and how aligned


@pytest.mark.parametrize(
    ("ranges", "cluster", "line"),
    [
        ([(65536, 131072)], 65536, "65536 of 1048576 bytes differ in 1 run, 128 sectors, cluster-aligned (65536):"),
        ([(4096, 12288)], 65536, "8192 of 1048576 bytes differ in 1 run, 16 sectors, 4096-aligned:"),
        ([(4096, 8704)], 65536, "4608 of 1048576 bytes differ in 1 run, 9 sectors, 512-aligned:"),
        ([(7, 8)], 0, "1 of 1048576 bytes differ in 1 run, 1 sector, not 512-aligned: [0x7, 0x8)"),
        ([(0, 512), (1024, 1536)], 512, "1024 of 1048576 bytes differ in 2 runs, 2 sectors, cluster-aligned (512):"),
    ],
)
def test_report_when_runs_are_aligned_then_the_coarsest_grain_is_told(ranges, cluster, line) -> None:
    lines = disagree(file_side(), format_side(data=differing(*ranges), cluster=cluster), 0, SIZE)

    assert lines[1] == f"  {line}"


def test_report_when_runs_are_many_then_the_first_and_a_count() -> None:
    ranges = [(start, start + 1) for start in range(0, SIZE, 64)]

    lines = disagree(file_side(), format_side(data=differing(*ranges)), 0, SIZE)

    assert lines[1:3] == [
        "  16384 of 1048576 bytes differ in 16384 runs, 2048 sectors, not 512-aligned:",
        "    [0x0, 0x1) [0x40, 0x41) [0x80, 0x81) [0xc0, 0xc1) and 16380 more",
    ]


# What the sides hold


@pytest.mark.parametrize(
    ("content", "held"),
    [
        (bytes(512), "all zero"),
        (b"\xaa" * 512, "all 0xaa"),
        (b"\xaa" * 496 + bytes(range(16)), "0xaa x 496, then data"),
        (bytes(32) + b"\xaa" * 480, "zero x 32, then data"),
        (bytes(range(1, 129)) * 4, "data"),
    ],
)
def test_report_when_the_test_side_holds_something_then_summarized(content, held) -> None:
    data = differing()
    data[512:1024] = content

    lines = disagree(file_side(), format_side(data=data))

    assert lines[3].startswith(f"  test  {held}  ")


def test_report_when_the_format_stores_in_a_file_then_the_way_down() -> None:
    location = Location(kind="data", child="file", host_offset=0x50000, detail="L1[0] L2[0] = 0x8000000000050000")
    test = format_side(data=differing((0, 512)), location=location)
    put(test, "file", file_side("test.qcow2"))

    lines = disagree(file_side(), test)

    assert lines[3:6] == [
        "  test  all zero  test.qcow2",
        "        data, L1[0] L2[0] = 0x8000000000050000",
        "        -> file offset 0x50000",
    ]


def test_report_when_a_backing_file_has_it_then_it_is_named() -> None:
    test = format_side(data=differing((0, 512)), location=Location(kind="unallocated", child="backing", host_offset=0))
    put(test, "backing", file_side("base.img"))

    lines = disagree(file_side(), test)

    assert lines[3] == "  test  all zero  test.qcow2: unallocated -> backing base.img: file offset 0x0"


def test_report_when_locations_go_in_a_circle_then_it_ends() -> None:
    test = format_side(data=differing((0, 512)), location=Location(kind="data", child="file", host_offset=0))
    put(test, "file", test)

    lines = disagree(file_side(), test)

    assert lines[3] == "  test  all zero  test.qcow2"


# Rows


def test_report_when_a_few_bytes_differ_then_marked_and_nothing_is_left() -> None:
    data = differing()
    data[3:5] = b"Hi"

    lines = disagree(file_side(), format_side(data=data), 0, 512)

    assert lines[4:8] == [
        "R 00000000:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................",
        "T 00000000:  cd cd cd 48 69 cd cd cd  cd cd cd cd cd cd cd cd  ...Hi...........",
        "                      ^^ ^^",
    ]


def test_report_when_the_last_row_is_partial_then_padded() -> None:
    raw, test = file_side(data=differing(size=1000)), format_side(data=differing((999, 1000), size=1000))

    lines = disagree(raw, test, 0, 1000)

    assert lines[4:8] == [
        "  000003d0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................",
        "R 000003e0:  cd cd cd cd cd cd cd cd                           ........",
        "T 000003e0:  cd cd cd cd cd cd cd 00                           ........",
        "                                  ^^",
    ]
    assert lines[8:] == []


@pytest.mark.parametrize(
    ("start", "row"),
    [
        (0x1_0000_0000, "T 100000000:  00 cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd  ................"),
        (0x10_0000_0000, "T 1000000000:  00 cd cd cd cd cd cd cd  ........"),
        (0x7FFF_FFFF_0000_0000, "T 7fffffff00000000:  00 cd cd cd cd cd cd cd  ........"),
    ],
)
def test_report_when_far_into_the_image_then_still_narrow(start, row) -> None:
    raw = file_side(start=start, data=differing(size=4096))
    test = format_side(start=start, data=differing((0, 1), size=4096))

    lines = disagree(raw, test, start, 4096)

    assert row in lines
    assert max(map(len, lines[1:])) <= WIDTH


def test_report_when_the_row_before_differs_too_then_it_is_no_context() -> None:
    lines = disagree(file_side(), format_side(data=differing((1000, 2000))), 1024, 512)

    assert lines[4].startswith("R 00000400:")


def test_report_when_a_side_cannot_be_read_again_then_it_says_so() -> None:
    lines = disagree(file_side(), format_side(data=differing((0, 512)), failing_after=1))

    assert lines[2:] == [
        "  raw   all 0xcd                            raw.img: file offset 0x0",
        "  test  cannot be read: Input/output error  test.qcow2",
    ]


def test_report_when_the_difference_does_not_repeat_then_it_says_so() -> None:
    test = format_side(data=differing((0, 512)))
    driver = BlkVerify(raw := file_side(), test)
    node = Node("pair", driver, OpenFlags())
    put(node, "raw", raw)
    put(node, "test", test)
    with pytest.raises(MismatchError) as caught:
        node.pread(0, memoryview(bytearray(512)))
    test.driver.data[:] = differing()

    lines = list(report(diagnose(caught.value, {"pair": node})))

    assert lines[4] == "  Read again, both sides hold the same: the difference was passing."


def test_report_when_the_pair_is_closed_then_what_the_error_knows(mismatch) -> None:
    assert list(report(diagnose(mismatch, {}))) == [
        "blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2",
        "  970 of 4096 bytes differ in 1 run, 2 sectors, not 512-aligned: [0x406, 0x7d0)",
    ]


# Names and commands


@pytest.mark.parametrize(
    "name",
    [
        "a directory with spaces/and a fairly long name so that nothing fits/raw image number 1.img",
        "/very" * 30 + "/long.qcow2",
        "esc\x1b[31mape\nnewline\r\t'quote'\"double\"\\",
        "日本語" * 40,
        "\udcff\udcfe.img" * 12,
    ],
)
def test_report_when_names_are_awkward_then_narrow_and_printable(name) -> None:
    lines = disagree(file_side(name), format_side(name, data=differing((5, 6), (700, 900))))

    assert all(line.isprintable() for line in lines)
    assert max(len(line) + sum(char > "\u2e80" for char in line) for line in lines) <= WIDTH


def test_report_when_a_side_has_no_name_then_its_node_s() -> None:
    lines = disagree(file_side(), format_side("", data=differing((0, 1))))

    assert lines[3] == "  test  all zero  test"


# What was done, what happened, how to go on


BOTH = Outcome("ok", "ok", "ok")


def operation(number, text, *, session="", outcome=BOTH, fill=0xCD):
    kind = text.split()[0]
    return Operation(
        number=number,
        text=text,
        effect=Effect(kind, 0, 4096, fill if kind == "write" else None),
        outcome=outcome,
        when=0.0,
        elapsed=0.0,
        session=session,
    )


def diagnosis(*operations, hints=(), report_file=""):
    return Diagnosis(
        operation="read", offset=0, length=512, message="", operations=operations, hints=hints, report=report_file
    )


def said(found):
    return ["".join(text for _, text in line) for line in closing(found)]


def test_closing_when_one_operation_then_with_both_outcomes() -> None:
    assert said(diagnosis(operation(7, "write -P 0xcd 0 4k"))) == ["  last op here: #7 write -P 0xcd 0 4k (ok/ok)"]


def test_closing_when_two_operations_then_below_one_another() -> None:
    failed = operation(8, "read 0 4k", outcome=Outcome("mismatch", "ok", "Input/output error"))

    assert said(diagnosis(operation(7, "write 0 4k", session="2026-11-22 21:13:00"), failed)) == [
        "  last ops here: #7 of 2026-11-22 21:13:00 write 0 4k (ok/ok)",
        "                 #8 read 0 4k (ok/Input/output error)",
    ]


def test_closing_when_a_hint_is_long_then_folded() -> None:
    lines = said(diagnosis(hints=(Hint("kind", "evidence and " * 10),)))

    assert lines[0].startswith("  hint: evidence and evidence")
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("/home/me/.local/state/pyqio/reports/1.json", "  pyqio explore ~/.local/state/pyqio/reports/1.json"),
        ("/elsewhere/1.json", "  pyqio explore /elsewhere/1.json"),
        ("/home/me/a b.json", "  pyqio explore ~/'a b.json'"),
    ],
)
def test_closing_when_there_is_a_report_then_how_to_pick_it_up(monkeypatch, name, command) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert said(diagnosis(report_file=name)) == [command]


def test_closing_when_the_report_s_name_is_long_then_on_lines_that_a_shell_joins(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    lines = said(diagnosis(report_file="/very" * 30 + "/1.json"))

    assert lines[0] == "  pyqio explore \\"
    assert "".join(line.removesuffix("\\") for line in lines[1:]) == "/very" * 30 + "/1.json"


# Outcomes


def test_report_when_outcomes_differ_then_how_each_side_ended() -> None:
    lines = disagree(file_side(), format_side(failing_after=0))

    assert lines == [
        "blkverify: read sector_num=0 nb_sectors=8 return value mismatch -5 != 0",
        "  raw   raw.img: succeeded",
        "  test  test.qcow2: Input/output error (node test at offset 0x0)",
    ]


def test_report_when_the_request_has_no_range_then_none_is_claimed() -> None:
    error = OutcomeMismatch(operation="flush", offset=0, length=0, raw_error=BlockError(errno=5), test_error=None)

    assert list(report(diagnose(error, {}))) == [
        "blkverify: flush sector_num=0 nb_sectors=0 return value mismatch 0 != -5",
        "  raw   Input/output error",
        "  test  succeeded",
    ]
