"""The completion scripts, in the shells that they are for."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pexpect
import pytest

from tests.oracle.conftest import find_oracle

COMPLETIONS = Path(__file__).resolve().parents[2] / "completions"

TYPED = {
    "path": ("pyqio ra\t", ["raw.img"]),
    "pair, test side": ("pyqio blkverify:raw.img:te\t", ["blkverify:raw.img:test.qcow2"]),
    "format": ("pyqio -f qc\tra\t", ["-f", "qcow2", "raw.img"]),
    "long option's value": ("pyqio --cache=dire\tra\t", ["--cache=directsync", "raw.img"]),
    "option": ("pyqio --snap\tra\t", ["--snapshot", "raw.img"]),
    "discard mode": ("pyqio -d unm\tra\t", ["-d", "unmap", "raw.img"]),
    "aio mode": ("pyqio -i io\tra\t", ["-i", "io_uring", "raw.img"]),
    "script": ("pyqio --source ra\t", ["--source", "raw.img"]),
    "script, joined": ("pyqio --source=ra\t", ["--source=raw.img"]),
    "command": ("pyqio -c aio_fl\t", ["-c", "aio_flush"]),
    "explore": ("pyqio expl\t", ["explore"]),
    "report": ("pyqio explore 4\t", ["explore", "42"]),
    "report's file": ("pyqio explore ra\t", ["explore", "raw.img"]),
}


@pytest.fixture
def folder(tmp_path):
    """A folder with a raw and a qcow2 image, one of them with a blank in its name, to type in."""
    for name in ("raw.img", "test.qcow2", "my disk.img"):
        (tmp_path / name).touch()
    (tmp_path / ".local/state/pyqio/reports").mkdir(parents=True)
    (tmp_path / ".local/state/pyqio/reports/42.json").touch()
    return tmp_path


@pytest.fixture
def type_in(folder):
    """``type_in(program, arguments, setup, keys)``: the words that pyqio is started with when ``keys`` are typed."""
    started = []

    def run(program, arguments, setup, keys):
        environment = {"PATH": "/usr/bin:/bin", "PS1": "$ ", "TERM": "dumb", "HOME": str(folder)}
        size = {"dimensions": (24, 300), "encoding": "utf-8", "timeout": 20}
        shell = pexpect.spawn(find_oracle(program), arguments, cwd=str(folder), env=environment, **size)
        started.append(shell)
        shell.sendline(f"pyqio() {{ printf '<%s>' \"$@\"; echo; }}; {setup}; echo rea''dy")
        shell.expect_exact("ready\r\n")
        shell.send(f"{keys}\r")
        shell.expect(r"\n(?:\x1b\[[0-9;?]*[a-z])*(<.*>)\r")
        return shell.match[1][1:-1].split("><")

    yield run
    for shell in started:
        shell.close(force=True)


@pytest.mark.parametrize(("keys", "words"), TYPED.values(), ids=TYPED)
def test_bash_when_tab_is_typed_then_word_is_completed(type_in, keys, words):
    setup = f"bind 'set enable-bracketed-paste off'; . {shlex.quote(str(COMPLETIONS / 'pyqio.bash'))}"

    assert type_in("bash", ["--norc", "--noprofile", "-i"], setup, keys) == words


BASH_ONLY = {
    "pair, both sides": ("pyqio blkverify:ra\t:te\t", ["blkverify:raw.img:test.qcow2"]),
    "prefix": ("pyqio blkv\tra\t:te\t", ["blkverify:raw.img:test.qcow2"]),
    "blank in a name": ("pyqio my\t", ["my disk.img"]),
    "quoted command": ("pyqio -c 'aio_fl\t", ["-c", "aio_flush"]),
}


@pytest.mark.parametrize("breaks", ["", ":="], ids=["usual", "without : and ="])
@pytest.mark.parametrize(("keys", "words"), BASH_ONLY.values(), ids=BASH_ONLY)
def test_bash_when_word_breaks_differ_then_word_is_completed(type_in, keys, words, breaks):
    script = shlex.quote(str(COMPLETIONS / "pyqio.bash"))
    change = f"COMP_WORDBREAKS=${{COMP_WORDBREAKS//[{breaks}]}}" if breaks else ":"

    assert type_in("bash", ["--norc", "--noprofile", "-i"], f"{change}; . {script}", keys) == words


@pytest.mark.parametrize(("keys", "words"), TYPED.values(), ids=TYPED)
def test_zsh_when_tab_is_typed_then_word_is_completed(type_in, keys, words):
    setup = f"fpath=({shlex.quote(str(COMPLETIONS))} $fpath); autoload -Uz compinit; compinit -u -D"

    assert type_in("zsh", ["-f", "-i"], setup, keys) == words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pyqio ra", {"raw.img"}),
        ("pyqio blkverify:raw.img:te", {"blkverify:raw.img:test.qcow2"}),
        ("pyqio blkverify:ra", {"blkverify:raw.img"}),
        ("pyqio -f qc", {"qcow2"}),
        ("pyqio --cache=dire", {"--cache=directsync"}),
        ("pyqio --snap", {"--snapshot"}),
        ("pyqio expl", {"explore"}),
        ("pyqio explore 4", {"42"}),
        ("pyqio -c aio_", {"aio_flush", "aio_read", "aio_write"}),
    ],
)
def test_fish_when_completions_are_asked_for_then_they_are_those(folder, line, words):
    script = f"source {COMPLETIONS / 'pyqio.fish'}; complete -C '{line}'"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}

    done = subprocess.run(
        [find_oracle("fish"), "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )

    assert {given.split("\t")[0] for given in done.stdout.splitlines() if given} == words
