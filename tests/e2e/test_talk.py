"""pyqio's results for machines, its help and its pages, as a process gives them."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "man" / "pyqio.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SCRIPTS = [path for path in sorted(GOLDEN.glob("*.qio")) if path.read_text().startswith("# pyqio")]
HOST = re.compile(r"^!.*\n|\|.*$", re.MULTILINE)
"""What the host's programs print is no JSON."""


def objects(printed):
    """The lines of an output, each of which is an object that the schema knows."""
    found = [json.loads(line) for line in printed.splitlines()]
    assert [(line, error.message) for line in found for error in VALIDATOR.iter_errors(line)] == []
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_json_when_golden_scripts_run_then_every_line_is_of_the_schema_and_the_status_is_the_same(pyqio, script):
    text = HOST.sub("", script.read_text())
    arguments = shlex.split(text.partition("\n")[0].removeprefix("# pyqio"))

    done = pyqio("--json", *arguments, stdin=text)

    status = script.with_suffix(".out").read_text().splitlines()[-1]
    assert (f"exit status {done.returncode}", done.stderr) == (status, "")
    assert objects(done.stdout)


def test_json_when_pair_differs_then_the_diagnosis_is_there(pyqio, damaged_pair):
    done = pyqio("--json", "-c", "read 0 4k", damaged_pair)

    (found,) = (each for each in objects(done.stdout) if each["type"] == "mismatch")
    assert (found["runs"], found["byte-count"], done.returncode) == ([{"start": 1024, "end": 1536}], 512, 3)
    assert [side["held"] for side in found["sides"]] == ["all 0xcd", "all zero"]
    assert found["report"].endswith(".json")
    assert done.stderr == ""


def test_json_when_a_report_is_explored_then_its_mismatch_is_told_again(pyqio, damaged_pair):
    first = pyqio("--json", "-c", "read 0 4k", damaged_pair)

    done = pyqio("--json", "explore", "-c", "history --ops")

    (told,) = (found for found in objects(first.stdout) if found["type"] == "mismatch")
    (again,) = (found for found in objects(done.stdout) if found["type"] == "mismatch")
    assert {**told, "report": ""} == {**again, "report": ""}
    assert done.stderr == ""


def test_json_when_name_is_not_utf8_then_its_bytes_survive(pyqio, tmp_path):
    name = b"a\xff\x1b.img"
    (tmp_path / os.fsdecode(name)).write_bytes(bytes(512))

    done = pyqio("--json", "-f", "raw", "-c", "children", os.fsdecode(name))

    rows = [found for found in objects(done.stdout) if found["type"] == "children"]
    assert os.fsencode(rows[-1]["file"]) == name
    assert done.stdout.isascii()


def test_json_when_dump_is_long_then_lines_stay_short(pyqio, tmp_path):
    (tmp_path / "raw.img").write_bytes(b"\xcd" * (5 << 20))

    done = pyqio("--json", "-f", "raw", "-c", "read -v 0 5M", "raw.img")

    dumps = [found for found in objects(done.stdout) if found["type"] == "dump"]
    assert "".join(found["data"] for found in dumps) == "cd" * (5 << 20)
    assert max(map(len, done.stdout.splitlines())) < 140_000


def test_json_when_format_is_set_in_the_session_then_from_there_on(pyqio, pattern_image):
    done = pyqio("-f", "raw", "-c", "length", "-c", "set format json", "-c", "length", "raw.img")

    plain, *rest = done.stdout.splitlines()
    assert plain == "64 KiB"
    assert objects("\n".join(rest))[-1] == {"type": "length", "length": 65536}


def test_json_when_named_qemu_io_then_there_is_no_such_option(pyqio, as_qemu_io):
    done = pyqio("--json", program=as_qemu_io)

    assert "unrecognized option '--json'" in done.stderr
    assert done.returncode == 1


def test_report_when_pair_was_verified_then_the_page_has_the_bytes(pyqio, damaged_pair, tmp_path):
    done = pyqio("-c", "verify", "-c", "report found.html", damaged_pair)

    page = (tmp_path / "found.html").read_text()
    assert done.returncode == 3
    assert "[0x400, 0x600), 512 bytes" in page
    assert "1 mismatch reported" in page


def test_report_when_a_mismatch_is_explored_then_the_page_has_it(pyqio, damaged_pair, tmp_path):
    pyqio("-c", "read 0 4k", damaged_pair)

    done = pyqio("explore", "-c", "report found.html")

    assert done.returncode == 0
    assert "1 mismatch reported, 512 bytes in 1 run known to differ" in (tmp_path / "found.html").read_text()


def test_help_when_word_is_unknown_then_names_what_is_near(pyqio):
    done = pyqio("-c", "help protocol")

    assert done.stderr == "there is no help on 'protocol'; did you mean protocols?\n"
    assert done.returncode == 1
