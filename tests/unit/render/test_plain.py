from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError, OpenError
from pyqio.commands import results as r
from pyqio.commands.rejected import Rejected
from pyqio.render.plain import Plain


class Screen:
    def __init__(self, place=""):
        self.place = place
        self.printed = self.told = ""

    def out(self, text):
        self.printed += text

    def out_bytes(self, data):
        self.printed += bytes(data).decode()

    def err(self, text):
        self.told += text


def shown(result, place="", *, explain=True):
    screen = Screen(place)
    Plain(screen, "prog", explain=explain).show(result)
    return screen.printed, screen.told


OUTSIDE = r.Failed(verb="read", error=BlockError("that is outside"))
SHOWN = [
    (r.Length(length=1536), "1.500 KiB\n", ""),
    (r.Said(text="so"), "so\n", ""),
    (r.Warned(message="hm"), "", "prog: warning: hm\n"),
    (r.Allocated(offset=1024, length=9, allocated=3), "3/9 bytes allocated at offset 1 KiB\n", ""),
    (r.Map(runs=[(0, 512, True), (512, 1024, False)]),
     "512 bytes (0x200) bytes     allocated at offset 0 bytes (0x0)\n"
     "1 KiB (0x400) bytes not allocated at offset 512 bytes (0x200)\n", ""),
    (r.OpenFailed(filename="x", error=OpenError("no")), "", "prog: can't open device x: no\n"),
    (r.OpenFailed(filename=None, error=OpenError("no")), "", "prog: can't open: no\n"),
    (r.Dump(offset=0, length=2, windows=[b"A\x00"]), "00000000:  41 00  A.\n", ""),
    (r.Created(filename="x", format="raw", options={"size": 1, "lazy": True, "file": "a,b"}),
     "Formatting 'x', fmt=raw size=1 lazy=on file=a,,b\n", ""),
    (r.Transfer(verb="wrote", offset=7, length=1024, elapsed=0.5),
     "wrote 1024/1024 bytes at offset 7\n1 KiB, 1 ops; 00.50 sec (2 KiB/sec and 2.0000 ops/sec)\n", ""),
    (r.Transfer(verb="read", offset=0, length=65536, elapsed=0.25, machine=True),
     "65536,1,0:00:00.25,262144.000,4.000\n", ""),
    (r.Info(format="f", protocol=True, cluster_size=None), "format name: f\nformat name: f\n", ""),
    (r.Info(format="f", protocol=False, cluster_size=512, vm_state_offset=1024,
            specific={"refcount-bits": 16, "corrupt": False, "bitmaps": [{"name": "b"}]}),
     "format name: f\ncluster size: 512 bytes\nvm state offset: 1 KiB\nFormat specific information:\n"
     "    refcount bits: 16\n    corrupt: false\n    bitmaps:\n        [0]:\n            name: b\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("result", "printed", "told"), SHOWN, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("explain", [False, True])
def test_show_when_result_is_plain_then_the_same_for_both_names(result, printed, told, explain):
    assert shown(result, explain=explain) == (printed, told)


def test_show_when_request_failed_then_pyqio_says_why():
    bare = r.Failed(verb="read", error=BlockError())

    assert shown(OUTSIDE) == ("read failed: Input/output error\n", "prog: that is outside\n")
    assert shown(OUTSIDE, explain=False) == ("read failed: Input/output error\n", "")
    assert shown(bare) == ("read failed: Input/output error\n", "")


def test_show_when_command_stands_in_a_script_then_stderr_names_its_line():
    refused = r.Refused(reason=Rejected("no", stderr=True))
    wrong = r.Refused(reason=Rejected("no"))

    assert shown(OUTSIDE, "f:3")[1] == "prog: f:3: that is outside\n"
    assert shown(refused, "f:3") == ("", "no (f:3)\n")
    assert shown(wrong, "f:3") == ("no\n", "prog: f:3: no\n")
    assert shown(refused, "f:3", explain=False) == ("", "no\n")


def test_show_when_format_was_guessed_then_only_qemu_io_warns():
    guessed = r.GuessedRaw(filenames=["a", "b"])

    assert shown(guessed) == ("", "")
    assert shown(guessed, explain=False)[1].startswith(
        "WARNING: Image format was not specified for 'a' and probing guessed raw.\n"
        "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be "
        "restricted.\n         Specify the 'raw' format explicitly to remove the restrictions.\nWARNING: "
    )


@pytest.mark.parametrize("explain", [False, True])
def test_show_when_open_failed_with_a_hint_then_it_follows(explain):
    failed = r.OpenFailed(filename="x", error=OpenError("no", hint="do this"))

    assert shown(failed, explain=explain) == ("", "prog: can't open device x: no\ndo this\n")
