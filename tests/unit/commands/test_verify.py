"""verify: what it compares, says, remembers and repairs."""

from __future__ import annotations

import re

import pytest

from pyqio.base.types import Run
from pyqio.block.emulate import WINDOW
from pyqio.session.personality import QEMU_IO
from pyqio.verify.whole import Comparison

SIZE = 4 * WINDOW
EQUAL = ["verify: the sides agree", "  1 MiB compared"]
TIMES = re.compile(r", \d+\.\d\d sec .*")


class Verifying:
    """A session on a pair of raw images whose bytes a test changes."""

    def __init__(self, record, folder, *, options=""):
        self.raw, self.test = folder / "raw.img", folder / "test.img"
        for path in (self.raw, self.test):
            path.write_bytes(b"\xcd" * SIZE)
        self.recorder = record()
        self.session = self.recorder.session
        self.session.run_line(f"open {options} blkverify:raw.img:test.img")

    def change(self, path, *offsets):
        with path.open("r+b") as file:
            for offset in offsets:
                file.seek(offset)
                file.write(b"\x55")

    def run(self, *lines):
        """Lines of output, without times, and what went to standard error."""
        out, err = self.recorder.run(*lines)
        return TIMES.sub("", out).splitlines(), err

    @property
    def findings(self):
        return list(self.session.findings.runs)


@pytest.fixture
def pair(record, tmp_path):
    return Verifying(record, tmp_path)


def interrupt_after(monkeypatch, count):
    """Ctrl-C after so many steps of a comparison."""
    steps = Comparison.steps

    def interrupted(self):
        for number, step in enumerate(steps(self), 1):
            yield step
            if number == count:
                raise KeyboardInterrupt

    monkeypatch.setattr(Comparison, "steps", interrupted)
    return lambda: monkeypatch.setattr(Comparison, "steps", steps)


def test_verify_when_equal_then_says_so(pair):
    assert pair.run("verify") == (EQUAL, "")
    assert pair.session.status == 0


def test_verify_when_bytes_differ_then_lists_them_and_fails_with_3(pair):
    pair.change(pair.test, 1000, 70000)

    lines, err = pair.run("verify")

    assert lines == [
        "verify: 2 bytes differ in 2 runs, 2 sectors, not 512-aligned",
        "  1 MiB compared",
        "  1  [0x3e8, 0x3e9)  1 byte",
        "  2  [0x11170, 0x11171)  1 byte",
        "  hint, at 0x3e8: 1 byte of a sector that agrees otherwise: overwritten in",
        "        place, at offset 0x3e8 of test.img",
    ]
    assert (err, pair.session.status, pair.session.stopping) == ("", 3, False)
    assert pair.findings == [Run(1000, 1001), Run(70000, 70001)]


def test_verify_all_then_every_run_is_listed(pair):
    pair.change(pair.test, *range(0, 2000, 100))

    short, _ = pair.run("verify")
    long, _ = pair.run("verify --all")

    assert (len(short), len(long)) == (19, 22)


def test_verify_of_a_range_then_only_that_counts_and_other_findings_stay(pair):
    pair.change(pair.test, 0, 5000)
    pair.run("verify")
    pair.change(pair.test, 6000)
    pair.test.write_bytes(pair.raw.read_bytes())

    lines, _ = pair.run("verify 4096 4096")

    assert lines == ["verify: the sides agree", "  4 KiB from 0x1000 compared"]
    assert pair.findings == [Run(0, 1)]


@pytest.mark.parametrize("line", [f"verify {SIZE + 1}", f"verify 0 {SIZE + 1}", f"verify {SIZE} 1"])
def test_verify_when_outside_the_pair_then_refused(pair, line):
    _, err = pair.run(line)

    assert f"is not inside the pair's {SIZE} bytes" in err


def test_verify_when_no_pair_is_open_then_how_to_open_one(raw):
    _, err = raw.run("verify")

    assert err == "pyqio: this is no verified pair; open both images as blkverify:RAW:TEST\n"


def test_verify_under_the_name_of_qemu_io_then_unknown(record, tmp_path):
    recorder = record(QEMU_IO)

    assert recorder.run("verify") == ("", 'command "verify" not found\n')


def test_verify_when_a_raw_node_lies_above_the_pair_then_it_is_found(record, tmp_path):
    pair = Verifying(record, tmp_path)

    lines, _ = pair.run("close", "open -o driver=raw,file.driver=blkverify blkverify:raw.img:test.img", "verify")

    assert lines == EQUAL


def test_verify_when_pairs_are_nested_then_each_is_compared(record, tmp_path):
    pair = Verifying(record, tmp_path)
    (tmp_path / "third.img").write_bytes(b"\xcd" * SIZE)
    pair.change(tmp_path / "third.img", 4097)

    lines, _ = pair.run("close", "open blkverify:raw.img:blkverify:test.img:third.img", "verify", "mismatches")

    assert "cannot be read: contents mismatch at offset 4097" in lines[2]
    assert lines[3].startswith("verify: 1 byte differs")
    assert pair.findings == [Run(4097, 4098)]


# Lengths


def test_verify_when_the_longer_side_ends_in_zeroes_then_equal_unless_strict(record, tmp_path):
    pair = Verifying(record, tmp_path)
    with pair.test.open("ab") as file:
        file.truncate(SIZE + 4096)

    lines, _ = pair.run("close", "open blkverify:raw.img:test.img", "verify")
    assert pair.session.status == 0
    strict, _ = pair.run("verify --strict")

    assert lines[0] == "verify: the sides agree"
    assert strict[0] == "verify: the sides agree, but are not equally long"
    assert lines[2] == (
        "  the raw side ends at 0x100000, the test side at 0x101000; past that the test side has to read as zeroes"
    )
    assert pair.session.status == 3


# Stopped, and gone on with


def test_verify_when_interrupted_then_what_was_found_is_kept_and_it_goes_on(pair, monkeypatch):
    pair.change(pair.test, 0, SIZE - 1)
    restore = interrupt_after(monkeypatch, 2)

    with pytest.raises(KeyboardInterrupt):
        pair.session.run_line("verify")
    lines, _ = pair.run()
    found = pair.findings
    restore()
    rest, _ = pair.run("verify --resume")

    assert lines[-1] == f"  stopped at {2 * WINDOW:#x} of {SIZE:#x}; 'verify --resume' goes on from there"
    assert found == [Run(0, 1)]
    assert rest[1].endswith(f"512 KiB from {2 * WINDOW:#x} compared")
    assert pair.findings == [Run(0, 1), Run(SIZE - 1, SIZE)]
    assert "no comparison was stopped" in pair.run("verify --resume")[1]


@pytest.mark.parametrize(
    ("line", "offset"),
    [
        ("read 0 512", 2 * WINDOW),
        ("write 600k 512", 2 * WINDOW),
        ("write 4096 512", 4096),
        ("discard 4096 512", 4096),
        ("flush", 2 * WINDOW),
    ],
)
def test_resume_when_something_was_written_then_it_goes_on_from_there(pair, monkeypatch, line, offset):
    restore = interrupt_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        pair.session.run_line("verify")
    restore()
    pair.run(line)

    lines, _ = pair.run("verify --resume")

    assert lines[1].endswith(f" from {offset:#x} compared")


def test_resume_when_another_image_was_opened_then_refused(pair, monkeypatch):
    restore = interrupt_after(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        pair.session.run_line("verify")
    restore()

    _, err = pair.run("close", "open blkverify:raw.img:test.img", "verify --resume")

    assert "no comparison was stopped" in err


# Repair


@pytest.mark.parametrize(("trusted", "value"), [("raw", 0xCD), ("test", 0x55)])
def test_repair_then_the_other_side_is_what_the_trusted_one_is(pair, trusted, value):
    pair.change(pair.test, 1000, 70000)

    lines, err = pair.run(f"verify --repair-from {trusted} -y")

    other = "test" if trusted == "raw" else "raw"
    assert lines[-3:] == [f"copied 2 bytes in 2 runs from {trusted} to {other}", *EQUAL]
    assert (err, pair.session.status, pair.findings) == ("", 0, [])
    assert pair.raw.read_bytes()[70000] == pair.test.read_bytes()[70000] == value


def test_repair_when_nothing_differs_then_nothing_is_asked_or_written(pair):
    assert pair.run("verify --repair-from raw") == (EQUAL, "")


def test_repair_when_nobody_can_be_asked_then_refused_and_nothing_is_written(pair):
    pair.change(pair.test, 1000)

    _, err = pair.run("verify --repair-from raw")

    assert err == "pyqio: nothing was repaired; -y repairs without asking\n"
    assert pair.test.read_bytes()[1000] == 0x55


def test_repair_when_confirmed_then_the_question_says_what_will_be_written(pair, monkeypatch):
    pair.change(pair.test, 1000)
    asked = []
    monkeypatch.setattr(pair.session, "confirm", lambda question: not asked.append(question))

    pair.run("verify --repair-from raw")

    assert asked == ["overwrite 1 byte in 1 run of the test side with those of the raw side?"]
    assert pair.test.read_bytes()[1000] == 0xCD


def test_repair_when_read_only_then_refused_with_the_way_out(record, tmp_path):
    pair = Verifying(record, tmp_path, options="-r")
    pair.change(pair.test, 1000)

    _, err = pair.run("verify --repair-from raw -y")

    assert err == "pyqio: the test side is open read-only; close the pair, and open it without -r\n"
    assert pair.test.read_bytes()[1000] == 0x55


def test_repair_when_the_target_is_too_short_then_what_differs_still_counts(record, tmp_path):
    pair = Verifying(record, tmp_path)
    with pair.raw.open("ab") as file:
        file.write(b"x")
    pair.recorder.run("create -q -f qcow2 test.qcow2 1M", "close", "open blkverify:raw.img:test.qcow2")

    lines, err = pair.run("verify --repair-from raw -y")

    assert "repair failed: Input/output error" in lines
    assert "write past the end of 1048576 bytes" in err
    assert pair.session.status == 3


def test_repair_when_zero_then_the_format_stores_none(record, tmp_path):
    pair = Verifying(record, tmp_path)
    with pair.raw.open("wb") as file:
        file.truncate(SIZE)
    pair.recorder.run(
        "close",
        "create -q -f qcow2 test.qcow2 1M",
        "open test.qcow2",
        "write -q -P 5 0 256k",
        "close",
        "open blkverify:raw.img:test.qcow2",
    )

    lines, _ = pair.run("verify --repair-from raw -y", "verify", "close", "check -q test.qcow2")

    assert lines[-1] == "  1 MiB compared (1 MiB known to be zero)"
    assert pair.session.status == 0
