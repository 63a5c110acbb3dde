from __future__ import annotations

import pytest

from pyqio.commands.rejected import Rejected
from pyqio.session.macros import expand
from pyqio.session.split import Step


@pytest.mark.parametrize(
    ("line", "words", "steps"),
    [
        ("read -v 0 512", ["x"], [Step(["read", "-v", "0", "512"])]),
        ("read -v", ["x", "0", "512"], [Step(["read", "-v", "0", "512"])]),
        ("length; read", ["x", "a b"], [Step(["length"]), Step(["read", "a b"])]),
        ("read -v $1 ${2:-512}", ["x", "4k"], [Step(["read", "-v", "4k", "512"])]),
        ("read -v $1 ${2:-512}", ["x", "4k", "1"], [Step(["read", "-v", "4k", "1"])]),
        ("read $1+1s 512; read ${1} 1", ["x", "."], [Step(["read", ".+1s", "512"]), Step(["read", ".", "1"])]),
        ("read $*", ["x", "-v", "a b"], [Step(["read", "-v", "a b"])]),
        ("read $*", ["x"], [Step(["read"])]),
        ("read '${*:-0 512}'", ["x"], [Step(["read", "0 512"])]),
        ("open p$*s", ["x", "a", "b"], [Step(["open", "pa bs"])]),
        ("read $-1s 512", ["x"], [Step(["read", "$-1s", "512"])]),
        ("open $$1", ["x"], [Step(["open", "$1"])]),
        ("open $1", ["x", "$2 ; 'q"], [Step(["open", "$2 ; 'q"])]),
        ("map > $1.txt", ["x", "a b"], [Step(["map"], ">", "a b.txt")]),
        ("map | grep $1", ["x", "a b; rm"], [Step(["map"], "|", "grep 'a b; rm'")]),
        ("map | awk '{print $$1}'", ["x"], [Step(["map"], "|", "awk '{print $1}'")]),
        ("!ls $*", ["x", "a", "b c"], [Step([], "!", "ls a 'b c'")]),
        ("!ls", ["x", "b c"], [Step([], "!", "ls 'b c'")]),
    ],
)
def test_expand_when_arguments_fit_then_in_the_places_of_the_parameters(line, words, steps):
    assert expand(line, words) == steps


@pytest.mark.parametrize(
    ("line", "words", "message"),
    [
        ("read $1 $2", ["x", "0"], "x: argument 2 is missing: read $1 $2"),
        ("read $1 512", ["x", "0", "1"], "x: 2 arguments for 1: read $1 512"),
    ],
)
def test_expand_when_arguments_do_not_fit_then_rejected(line, words, message):
    with pytest.raises(Rejected) as caught:
        expand(line, words)

    assert str(caught.value) == message


def test_alias_when_made_then_it_runs_and_is_listed(raw):
    raw.run("alias r512 = 'read -q -P 0xcd 0 16; length'", "alias both length; length", "alias two='length; length'")

    assert raw.run("r512") == ("1 MiB\n", "")
    assert raw.run("two") == ("1 MiB\n1 MiB\n", "")
    assert raw.run("alias")[0].splitlines() == [
        "name  command",
        "both  length",
        "r512  read -q -P 0xcd 0 16; length",
        "two   length; length",
    ]


def test_alias_when_made_of_words_then_their_options_and_quotes_are_kept(raw):
    raw.run("alias ow open -o driver=raw 'a b'")

    assert raw.session.aliases == {"ow": "open -o driver=raw 'a b'"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("alias read length", "pyqio: 'read' is a command: an alias needs a name of its own\n"),
        ("alias 1x length", "pyqio: '1x' cannot name an alias: want a letter, then letters, digits, - or _\n"),
        ("alias x '# nothing'", "pyqio: alias x: a command is missing\n"),
        ("alias x 'read \"0'", 'pyqio: a quote without its end: "0\n'),
        ("alias nosuch", "pyqio: there is no alias 'nosuch'\n"),
        ("unalias nosuch", "pyqio: there is no alias 'nosuch'\n"),
        ("alias x x; x", "pyqio: more than 16 scripts and aliases within one another\n"),
        ("alias x 'read $1 1'; x", "pyqio: x: argument 1 is missing: read $1 1\n"),
        ("alias x nosuch; x", 'command "nosuch" not found\n'),
    ],
)
def test_alias_when_wrong_then_one_line_and_the_session_failed(raw, line, told):
    assert raw.run(line) == ("", told)
    assert raw.session.status == 1


def test_unalias_when_it_was_one_then_unknown_again(raw):
    assert raw.run("alias x length; x; unalias x; x") == ("1 MiB\n", 'command "x" not found\n')


def test_help_when_there_are_aliases_then_it_knows_them(raw):
    raw.run("alias dump read -v $1 ${2:-512}", "alias len length")

    assert raw.run("help dump") == ("dump is an alias of: read -v $1 ${2:-512}\n", "")
    assert raw.run("help")[0].splitlines()[-1] == "aliases: dump, len; 'alias' shows what they stand for"
    assert raw.run("dumb")[1].splitlines()[-1] == "pyqio: did you mean dump?"
