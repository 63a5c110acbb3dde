from __future__ import annotations

import pytest

from pyqio.base.types import Run
from pyqio.shell import status


@pytest.fixture
def pair(session, tmp_path, monkeypatch):
    """A session on a pair of a plain file and qcow2, 64 KiB each."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.img").write_bytes(bytes(65536))
    session.run_line("create -q -f qcow2 test.qcow2 64k; open blkverify:raw.img:test.qcow2")
    yield session
    session.close()


def test_prompt_when_nothing_is_open_then_no_state(session):
    assert status.prompt(session) == ("pyqio> ", "", "")


def test_prompt_when_differences_are_known_then_it_says_so(pair):
    pair.findings.add([Run(0, 512)])

    assert "".join(status.prompt(pair)) == "pyqio[blkverify!]> "


def test_prompt_when_image_is_read_only_then_it_says_so(pair):
    pair.run_line("close; open -r raw.img")

    assert "".join(status.prompt(pair)) == "pyqio[ro]> "


def test_prompt_when_the_users_own_has_another_end_then_it_is_shown_as_it_is(pair):
    pair.settings.set("prompt", "% ")
    pair.findings.add([Run(0, 512)])

    assert status.prompt(pair) == ("% ", "", "")


def test_toolbar_when_pair_is_open_then_stack_name_size_and_state(pair):
    assert status.toolbar(pair, 200) == (
        "blkverify: raw=file test=qcow2  blkverify:raw.img:test.qcow2  64 KiB  rw  cache writethrough"
    )


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (60, "blkverify: raw=file test=qcow2  64 KiB  rw"),
        (36, "blkverify: raw=file test=qcow2  rw"),
        (20, "blkverif...est=qcow2"),
    ],
)
def test_toolbar_when_room_is_scarce_then_the_least_important_goes(pair, width, expected):
    assert status.toolbar(pair, width) == expected


def test_toolbar_when_nothing_is_open_then_it_says_so(session):
    assert status.toolbar(session, 80) == "no image is open"


def test_stack_when_image_is_no_pair_then_its_drivers_downwards(pair):
    pair.run_line("close; open test.qcow2")

    assert status.stack(pair.image.node) == "qcow2 on file"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", "blkverify: raw.img (file) = test.qcow2 (qcow2), 64 KiB; type 'help' for the commands"),
        ("close; open -r test.qcow2", "test.qcow2: qcow2, 64 KiB, read-only; type 'help' for the commands"),
        ("close", "no image is open; type 'open PATH', or 'help'"),
    ],
)
def test_banner_when_image_is_open_then_what_it_is(pair, command, expected):
    pair.run_line(command)

    assert status.banner(pair, 100) == expected


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (80, "blkverify: raw.img (file) = test.qcow2 (qcow2), 64 KiB; type 'help'"),
        (60, "blkverify: raw.img (file) = test.qcow2 (qcow2), 64 KiB"),
        (20, "blkverif...), 64 KiB"),
    ],
)
def test_banner_when_terminal_is_narrow_then_it_fits(pair, width, expected):
    assert status.banner(pair, width) == expected
