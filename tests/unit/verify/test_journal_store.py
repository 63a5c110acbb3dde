"""The journal of a pair, from one session to the next."""

from __future__ import annotations

import json
import os
import stat

import pytest

from pyqio.verify import journal_store
from pyqio.verify.journal import Effect, Operation, Outcome
from pyqio.verify.journal_store import Store
from pyqio.verify.pair import file_at


def opened(folder):
    """The store of the pair in a folder, as a session finds it now."""
    return Store(file_at(str(folder / "raw.img")), file_at(str(folder / "test.img")))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(b"x")
    return opened(tmp_path)


def operation(number, text="write 0 512", **changes):
    made = Operation(
        number=number,
        text=text,
        effect=Effect("write", 0, 512, 0xCD),
        outcome=Outcome("ok", "ok", "ok"),
        when=1e9 + number,
        elapsed=0.25,
    )
    return made.replace(**changes)


def test_store_when_two_sessions_were_kept_then_both_in_order_by_their_times(store) -> None:
    store.append([operation(1), operation(2, "read 0 512", effect=Effect("read", 0, 512))])
    store.append([operation(1, when=2e9)])

    found = store.load()

    assert [(o.number, o.text, o.effect.kind) for o in found] == [
        (1, "write 0 512", "write"),
        (2, "read 0 512", "read"),
        (1, "write 0 512", "write"),
    ]
    assert found[0].session == found[1].session != found[2].session
    assert found[0].replace(session="") == operation(1)


def test_store_when_nothing_was_kept_then_empty(store) -> None:
    assert (store.load(), store.change()) == ([], "")


def test_store_when_written_then_for_the_user_alone(store) -> None:
    store.append([operation(1)])

    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(store.path)).st_mode) == 0o700


def test_store_when_the_pair_is_named_otherwise_then_the_same_file(store, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "raw.img")

    assert Store(file_at("link"), file_at("test.img")).path == store.path
    assert Store(file_at("test.img"), file_at("raw.img")).path != store.path


def test_load_when_the_raw_side_was_written_to_by_others_then_nothing_is_known(store, tmp_path) -> None:
    store.append([operation(1)])

    (tmp_path / "raw.img").write_bytes(b"other")

    assert opened(tmp_path).load() == []


def test_load_when_the_raw_side_is_another_file_then_only_what_came_after(store, tmp_path) -> None:
    store.append([operation(1)])
    again = (tmp_path / "raw.img").rename(tmp_path / "former")
    (tmp_path / "raw.img").write_bytes(again.read_bytes())
    opened(tmp_path).append([operation(2)])

    assert [o.number for o in opened(tmp_path).load()] == [2]


def test_load_when_the_session_changed_the_raw_side_then_still_known(store, tmp_path) -> None:
    (tmp_path / "raw.img").write_bytes(b"written by the session")
    store.append([operation(1)])

    assert [o.number for o in opened(tmp_path).load()] == [1]


def test_change_when_the_test_side_was_written_to_by_others_then_said(store, tmp_path) -> None:
    store.append([operation(1)])

    (tmp_path / "test.img").write_bytes(b"other")

    assert opened(tmp_path).change() == "was changed after that session had ended"
    assert [o.number for o in opened(tmp_path).load()] == [1]


def test_change_when_the_test_side_is_another_file_then_said(store, tmp_path) -> None:
    store.append([operation(1)])

    (tmp_path / "new").write_bytes(b"x")
    (tmp_path / "new").rename(tmp_path / "test.img")

    assert opened(tmp_path).change() == "is another file since that session ended"


def wrong(**changes):
    """A line that would be right without the changes."""
    return json.dumps(journal_store.values(operation(2)) | changes).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe\0",
        b"[]",
        b"{}",
        b"[" * 100_000,
        wrong(n=-1),
        wrong(n=True),
        wrong(op=7),
        wrong(kind="eat"),
        wrong(offset=1e3),
        wrong(length=2**65),
        wrong(fill=256),
        wrong(when="now"),
        wrong(elapsed=-1),
        wrong(outcome=["ok"]),
        wrong(outcome=[1, 2, 3]),
        b'{"session": 7}',
    ],
)
def test_load_when_a_line_is_none_then_it_is_left_out(store, line) -> None:
    store.append([operation(1)])
    with open(store.path, "ab") as file:
        file.write(line + b"\n")

    assert [o.number for o in store.load()] == [1]
    assert store.change() == ""


def test_append_when_the_file_has_grown_too_large_then_its_newer_half_stays(store, monkeypatch) -> None:
    monkeypatch.setattr(journal_store, "LARGEST", 10_000)

    for number in range(1, 101):
        store.append([operation(number)])

    assert os.path.getsize(store.path) <= 10_000
    assert store.load()[-1].number == 100


def test_append_when_there_is_no_folder_to_write_to_then_nothing_happens(store, tmp_path) -> None:
    (tmp_path / "state").write_bytes(b"a file")

    store.append([operation(1)])

    assert store.load() == []


def test_append_when_a_text_is_no_utf_8_then_it_comes_back(store) -> None:
    store.append([operation(1, "write -s \udcff 0 1")])

    assert store.load()[0].text == "write -s \udcff 0 1"
