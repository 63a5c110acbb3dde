from __future__ import annotations

import pytest


@pytest.fixture
def source(raw, tmp_path):
    """``source(text, line)`` writes ``text`` to x.qio and runs the line."""

    def run(text, line="source x.qio"):
        (tmp_path / "x.qio").write_bytes(text)
        return raw.run(line)

    return run


@pytest.mark.parametrize(
    ("text", "printed", "told"),
    [
        (b"length\n# no\n\nlength; length", "1 MiB\n" * 3, ""),
        (b"\xef\xbb\xbflength\r\n!echo hello\r\nread -q 0 'x'\r\nopen 'a b'\r\n",
         "1 MiB\nhello\nParsing error: there is no mark 'x', at character 1 -- x\n",
         "pyqio: x.qio:3: Parsing error: there is no mark 'x', at character 1 -- x\n"
         "pyqio: file open already, try 'help close' (x.qio:4)\n"),
        (b"nosuch\nlength\n", "1 MiB\n", 'command "nosuch" not found (x.qio:1)\n'),
        (b"", "", ""),
        (b"length\n" + b"#" * 300000 + b"\nlength\n", "1 MiB\n",
         "pyqio: a line of more than 262144 characters: the rest is left out (x.qio:2)\n"),
        (b"length\n" + b"#" * 2000000, "1 MiB\n",
         "pyqio: a line of more than 262144 characters: the rest is left out (x.qio:2)\n"),
        (b"# no\n" * 20000 + b"\0\nlength\n", "", "pyqio: a NUL byte: the rest is left out (x.qio:20001)\n"),
        (b"length\nQFI\xfb\0\0", "", "pyqio: x.qio: not a script: it has NUL bytes\n"),
        (b"\xff\xfe\n", "", 'command "\udcff\udcfe" not found (x.qio:1)\n'),
    ],
)  # fmt: skip
def test_source_when_run_then_as_a_script_with_its_own_places(source, text, printed, told):
    assert source(text) == (printed, told)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nosuch", "No such file or directory"), (".", "Is a directory"), ("'a\x1bb'", "No such file or directory")],
)
def test_source_when_the_file_cannot_be_read_then_told(raw, name, reason):
    shown = name.strip("'").replace("\x1b", "\\x1b")

    assert raw.run(f"source {name}") == ("", f"pyqio: {shown}: {reason}\n")


@pytest.mark.parametrize(("line", "printed"), [("source x.qio", "1 MiB\n"), ("source -e x.qio", "")])
def test_source_when_a_line_fails_then_goes_on_unless_told_otherwise(raw, source, line, printed):
    assert source(b"nosuch\nlength\n", line)[0] == printed
    assert raw.session.status == 1


def test_source_when_a_nested_file_fails_then_the_outer_one_has_failed_too(raw, source, tmp_path):
    (tmp_path / "inner.qio").write_text("length\nnosuch\n")

    printed = source(b"source inner.qio\nlength\n", "source -e x.qio")

    assert printed == ("1 MiB\n", 'command "nosuch" not found (inner.qio:2)\n')


def test_source_when_a_nested_file_is_over_then_places_are_the_outer_ones(source, tmp_path):
    (tmp_path / "inner.qio").write_text("nosuch\n" * 3)

    assert source(b"source inner.qio\nfoo\n")[1].splitlines()[-1] == 'command "foo" not found (x.qio:2)'


def test_source_when_it_runs_itself_then_refused_after_a_while(raw, source):
    assert source(b"source x.qio\n") == (
        "", "pyqio: more than 16 scripts and aliases within one another (x.qio:1)\n"
    )  # fmt: skip


def test_source_when_its_output_is_added_to_it_then_it_ends_all_the_same(raw, source, tmp_path):
    told = source(b"tee -a x.qio\nnosuch\n")[1]
    raw.run("tee off")

    assert told == 'command "nosuch" not found (x.qio:2)\n'
    assert (tmp_path / "x.qio").read_text().endswith(told)


def test_source_when_it_is_a_pipe_then_read_to_its_end(raw):
    assert raw.run("!mkfifo pipe; (echo length; echo length) > pipe &", "source pipe")[0] == "1 MiB\n1 MiB\n"


def test_source_when_it_quits_then_the_session_ends(raw, source):
    assert source(b"length\nquit\nlength\n") == ("1 MiB\n", "")
    assert raw.session.stopping
