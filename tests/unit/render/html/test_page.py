from __future__ import annotations

import re

import html5lib
import pytest

from pyqio.base.types import Extent, Run
from pyqio.render.html import page
from pyqio.render.html.rows import rows
from pyqio.render.html.strip import allocation, differing, drawn
from pyqio.verify.diagnosis import Diagnosis, Excerpt, Holding

RECT = "{http://www.w3.org/2000/svg}rect"
EVIL = '<script>alert("&")</script>\n\x1b[31m'


def parsed(text):
    """The page as a parser sees it that takes no mistake; nothing in it refers to anything outside."""
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    names = {element.tag for element in tree.iter()}
    assert names & {"script", "link", "img", "iframe", "base", "object"} == set()
    assert not re.search(r"""(?:src|href|url)\s*[=(]""", text)
    return tree


def words(tree):
    return " ".join(" ".join(tree.itertext()).split())


@pytest.fixture
def pair(record, tmp_path):
    """A session on a pair whose sides differ in their third sector, with a page to ask for."""
    (tmp_path / "raw.img").write_bytes(b"\xcd" * 65536)
    (tmp_path / "test.img").write_bytes(b"\xcd" * 1024 + bytes(512) + b"\xcd" * 64000)
    recorder = record()
    recorder.session.stop_on_divergence = False
    recorder.run("open blkverify:raw.img:test.img", "write -q -P 0xcd 0 4k", "read -q 8k 512")
    return recorder


def test_page_when_nothing_is_open_then_says_that_nothing_was_found(record):
    text = words(parsed("".join(page(record().session))))

    assert "No mismatch was found." in text
    assert "pyqio" in text


def test_page_when_sides_differ_then_has_nodes_map_bytes_and_operations(pair, tmp_path):
    (tmp_path / "test.img").write_bytes(b"\xcd" * 1024 + bytes(512) + b"\xcd" * 64000)
    pair.run("read -q 0 4k")

    tree = parsed("".join(page(pair.session)))

    text = words(tree)
    assert "512 bytes in 1 run known to differ" in text
    assert "blkverify:raw.img:test.img" in text
    assert "[0x400, 0x600), 512 bytes" in text
    assert "T 00000400 00 00 00" in text
    assert "write -q -P 0xcd 0 4k" in text
    assert tree.findall(".//mark")
    assert [rect.get("class") for rect in tree.iter(RECT)].count("s-differ") == 1


def test_page_when_names_are_markup_then_they_are_text(record, tmp_path):
    (tmp_path / "<b>&amp;\x1b.img").write_bytes(bytes(512))
    recorder = record()
    recorder.run("open -o driver=raw '<b>&amp;\x1b.img'", f"read -q 0 512 # {EVIL}")
    recorder.session.diagnoses.append(
        Diagnosis(
            operation="read",
            offset=0,
            length=512,
            message=EVIL,
            sides=(Holding("raw", EVIL, "raw", EVIL, "", ()), Holding("test", EVIL, "raw", "", EVIL, ())),
            excerpt=Excerpt(0, b"<&>", b"<b>"),
        )
    )

    text = words(parsed("".join(page(recorder.session))))

    assert "<b>&amp;\\x1b.img" in text
    assert text.count('<script>alert("&")</script>\\n\\x1b[31m') == 5


def test_page_when_there_are_thousands_of_runs_then_size_is_bounded(pair):
    pair.session.findings.add([Run(at, at + 1) for at in range(0, 64 * 50_000, 64)])

    text = "".join(page(pair.session))

    assert len(text) < 500_000
    assert "and 49000 runs more" in words(parsed(text))


def test_page_when_a_line_is_endless_then_it_is_cut(raw):
    raw.run(f"read -q {'0' * 100_000}512 512")

    text = "".join(page(raw.session))

    assert "read -q 0000" in text
    assert len(text) < 20_000


def test_rows_when_one_byte_differs_then_it_is_marked_on_both_sides():
    tree = parsed(f"<!DOCTYPE html><title>x</title>{rows(0x10, b'a' * 20, b'a' * 19 + b'b')}")

    assert [mark.find("i").text for mark in tree.iter("mark")] == ["61", "a", "62", "b"]
    assert [element.text for element in tree.iter("b")] == ["R", "T"]


def test_rows_when_a_side_ends_then_the_rest_is_marked():
    tree = parsed(f"<!DOCTYPE html><title>x</title>{rows(0, b'ab', b'a')}")

    assert [mark.find("i").text for mark in tree.iter("mark")] == ["62", "b"]


class TestStrip:
    def test_allocation_when_disk_is_small_then_each_cell_has_a_state(self):
        extents = [Extent(0, 10, True, False, True), Extent(10, 10, False, True, False)]

        cells = allocation(extents, 20)

        assert [cells[0], cells[230], cells[240], cells[479]] == ["data", "data", "none", "none"]

    def test_allocation_when_a_cell_has_a_little_data_then_it_shows(self):
        extents = [Extent(0, 1, True, False, True), Extent(1, 480_000 - 1, False, True, True)]

        assert allocation(extents, 480_000)[:2] == ["some", "zero"]

    def test_differing_when_run_is_at_the_end_then_the_last_cell(self):
        cells = differing([Run(2**40 - 1, 2**40)], 2**40)

        assert cells.index("differ") == len(cells) - 1

    def test_drawn_when_cells_are_alike_then_one_rectangle(self):
        tree = parsed(f"<!DOCTYPE html><title>x</title>{''.join(drawn([('raw', ['data'] * 480)], 480))}")

        assert len(list(tree.iter(RECT))) == 1
