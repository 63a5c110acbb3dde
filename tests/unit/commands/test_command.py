"""Lines whose options were typed before."""

from __future__ import annotations

import pytest

from pyqio.commands import index
from pyqio.commands.rejected import Rejected


def parse(line):
    words = line.split()
    warned = []
    return vars(index.find(words[0]).parse(words, warned.append)), warned


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("write -P 5 0 4k", {"pattern": 5, "offset": 0, "length": 4096}),
        ("write -P 5 8192 1k", {"pattern": 5, "offset": 8192, "length": 1024}),
        ("write -P 5 512 0x200", {"pattern": 5, "offset": 512, "length": 512}),
        ("write -zn 0 4G", {"zeroes": True, "no_fallback": True, "offset": 0, "length": 4 << 30}),
        ("write -zn 512 4G", {"zeroes": True, "no_fallback": True, "offset": 512, "length": 4 << 30}),
        ("write -z 512 1k -q", {"zeroes": True, "quiet": True, "offset": 512, "length": 1024}),
    ],
)
def test_parse_when_options_repeat_then_the_line_means_the_same(line, fields):
    first, _ = parse(line)

    again, _ = parse(line)

    assert first == again == fields


def test_parse_when_a_known_option_lacks_its_argument_then_it_is_not_taken_from_an_earlier_line():
    parse("write -P 5 0 4k")

    with pytest.raises(Rejected):
        parse("write -P 0 4k")


def test_parse_when_a_repeated_line_ends_with_an_option_then_it_counts():
    parse("read -q 0 512")

    fields, _ = parse("read -q 0 512 -v")

    assert fields == {"quiet": True, "verbose": True, "offset": 0, "length": 512}


def test_parse_when_a_doubtful_spelling_repeats_then_it_is_warned_of_again():
    _, once = parse("read -q 0 0x1k")

    _, again = parse("read -q 0 0x1k")

    assert len(once) == len(again) == 1
