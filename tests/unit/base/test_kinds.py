"""Kinds: what they read and what they complete."""

from __future__ import annotations

import pytest

from pyqio.base.errors import UsageError
from pyqio.base.kinds import Bool, Choice, Integer, Names, Size, Text


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (Size(), "4k", 4096),
        (Size(), 4096, 4096),
        (Integer(), "0x10", 16),
        (Integer(), 16, 16),
        (Bool(), "on", True),
        (Bool(), False, False),
        (Choice("a", "b"), "b", "b"),
        (Text(), "any", "any"),
    ],
)
def test_kind_reads_text_and_json_scalars(kind, given, value):
    assert kind.parse(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Size(), True),
        (Size(), None),
        (Size(maximum=10), 11),
        (Size(), -1),
        (Integer(), "ten"),
        (Integer(minimum=1), 0),
        (Integer(), 1.5),
        (Bool(), "1"),
        (Choice("a"), "A"),
        (Text(), 1),
    ],
)
def test_kind_refuses_what_it_is_not(kind, given):
    with pytest.raises(UsageError):
        kind.parse(given)


def test_completion_lists_the_words_that_go_on_from_the_prefix():
    names = Names("driver", lambda: ["raw", "qcow2", "qcow"])

    assert list(names.complete("q")) == ["qcow2", "qcow"]
    assert list(Bool().complete("o")) == ["on", "off"]
    assert list(Text().complete("o")) == []
