"""Results as they look on a terminal, without a terminal."""

from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError, OpenError
from pyqio.base.types import CheckResult, SnapshotInfo
from pyqio.commands import index
from pyqio.commands import results as r
from pyqio.commands.rejected import Rejected
from pyqio.commands.settings import Settings
from pyqio.render.styled.renderer import Styled
from pyqio.render.styled.theme import Theme

MARKED = Theme(
    bad="<bad>", hint="<hint>", ok="<ok>", warning="<warn>", dim="<dim>", heading="<h>", name="<n>", reset="</>"
)


class Window:
    place = ""
    is_unseen = False

    def __init__(self, columns):
        self.columns = columns
        self.printed = self.told = ""

    def out(self, text):
        self.printed += text

    def err(self, text):
        self.told += text


def shown(result, *, columns=80, theme=MARKED, err_theme=MARKED, **changed):
    window = Window(columns)
    settings = Settings()
    for name, value in changed.items():
        settings.set(name, value)
    Styled(window, "pyqio", settings, theme, err_theme, unicode=False).show(result)
    return window.printed, window.told


def check(**found):
    return r.Checked(filename="x", format="qcow2", result=CheckResult(**found))


@pytest.mark.parametrize(
    ("result", "printed", "told"),
    [
        (r.Warned(message="hm"), "", "<warn>pyqio: warning: hm</>\n"),
        (r.Length(length=512), "512 bytes\n", ""),
        (
            r.Failed(verb="read", error=BlockError("that is outside")),
            "<bad>read failed: Input/output error</>\n",
            "<hint>pyqio: that is outside</>\n",
        ),
        (
            r.OpenFailed(filename="a\x1b[2J.img", error=OpenError("no")),
            "",
            "<bad>pyqio: can't open device a\\x1b[2J.img: no</>\n",
        ),
        (
            r.Unknown(name="raed", known=["read"]),
            "",
            '<bad>command "raed" not found</>\n<hint>pyqio: did you mean read?</>\n',
        ),
        (check(), "<ok>No errors were found on the image.</>\n", ""),
        (
            check(leaks=2),
            "\n<warn>2 leaked clusters were found on the image.</>\n"
            "This means waste of disk space, but no harm to data.\n",
            "",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_show_when_plain_has_the_words_then_they_are_painted(result, printed, told):
    assert shown(result) == (printed, told)


def test_show_when_standard_error_is_no_terminal_then_no_sequence_goes_there():
    failed = r.Failed(verb="read", error=BlockError("that is outside"))

    assert shown(failed, err_theme=Theme())[1] == "pyqio: that is outside\n"


def test_show_when_line_was_refused_then_caret_below_what_is_wrong():
    words = ["read", "-P", "x1", "0", "512"]
    refused = r.Refused(reason=Rejected("x1 is not valid", text="x1"), spec=index.find("read"), words=words)

    assert shown(refused, theme=Theme(), err_theme=Theme())[1] == "  read -P x1 0 512\n          ^^\n"


def test_show_when_refused_line_is_longer_than_the_window_then_no_caret():
    refused = r.Refused(reason=Rejected("no", text="x"), words=["read", "x" * 80])

    assert shown(refused, columns=40)[1] == ""


def test_show_when_dump_then_rows_and_counted_rows():
    dump = r.Dump(offset=0, length=64, windows=[bytes(64)])

    assert shown(dump, theme=Theme(), columns=46)[0].splitlines() == [
        "  00000000:  00 00 00 00 00 00 00 00  ........",
        "* 7 equal rows, 0x8-0x3f",
    ]


def test_show_when_squeeze_is_off_then_all_rows():
    dump = r.Dump(offset=0, length=64, windows=[bytes(64)])

    assert len(shown(dump, squeeze="off")[0].splitlines()) == 4


def test_show_when_dump_is_interrupted_then_colours_end():
    def windows():
        yield b"x" * 16
        raise KeyboardInterrupt

    window = Window(80)
    styled = Styled(window, "pyqio", Settings(), MARKED, MARKED, unicode=False)

    with pytest.raises(KeyboardInterrupt):
        styled.show(r.Dump(offset=0, length=64, windows=windows()))

    assert window.printed.endswith("</>")


def test_show_when_info_then_named_values():
    info = r.Info(format="qcow2", protocol=False, cluster_size=65536, vm_state_offset=512, specific={"corrupt": False})

    assert shown(info, theme=Theme())[0] == (
        "format           qcow2\ncluster size     64 KiB\nvm state offset  0x200\ncorrupt          false\n"
    )


def test_show_when_info_is_of_a_pair_then_of_its_sides():
    side = {"format": "file", "size": 65536, "filename": "x"}
    info = r.Info(format="raw", protocol=False, cluster_size=0, sides={"raw": side, "test": side})

    lines = shown(info, theme=Theme())[0].splitlines()

    assert [line.split()[0] for line in lines] == [
        *("format", "raw", "format", "size", "filename"),
        *("test", "format", "size", "filename", "more"),
    ]
    assert "  size      64 KiB" in lines


def test_show_when_snapshots_then_a_table():
    snapshot = SnapshotInfo(
        id="1", name="a\n", date_seconds=0, date_ns=0, vm_clock_ns=10**9, vm_state_size=2048, disk_size=1, icount=None
    )

    heading, row = shown(r.Snapshots(snapshots=[snapshot]), theme=Theme())[0].splitlines()

    assert (heading.split(), row.split()[:4]) == (
        ["id", "tag", "vm", "size", "date", "vm", "clock", "icount"],
        ["1", "a\\n", "2", "KiB"],
    )


def test_show_when_help_then_names_and_headings_stand_out():
    groups = [("Session", [index.find("quit")])]

    printed, _ = shown(r.HelpedAll(groups=groups, topics=[("sizes", "numbers")]))

    assert "<h>Session:</>\n  <n>quit</>          exit the program\n" in printed
