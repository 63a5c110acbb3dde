"""Options: pairs, nesting, and binding to a dataclass."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.errors import OptionError
from pyqio.base.kinds import Bool, Choice, Integer, Size, Text
from pyqio.base.options import bind, flatten, nest, table
from pyqio.base.record import Record


class Sample(Record):
    filename: Annotated[str, Text()]
    cluster_size: Annotated[int, Size()] = 65536
    lazy: Annotated[bool, Bool()] = False
    overlap__mode: Annotated[str, Choice("none", "all")] = "none"
    depth: Annotated[int, Integer(maximum=9)] = 0


def test_dotted_keys_nest_beside_groups():
    assert nest({"file.filename": "x", "file": {"locking": "off"}, "a": 1}) == {
        "file": {"filename": "x", "locking": "off"},
        "a": 1,
    }


@pytest.mark.parametrize("flat", [{"a": 1, "a.b": 2}, {"a.b": 2, "a": 1}])
def test_key_that_is_value_and_group_is_both(flat):
    assert nest(flat) == {"a": {"": 1, "b": 2}}
    assert flatten(nest(flat)) == flat


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text("abc", min_size=1), inner, min_size=1)))
def test_flatten_undoes_nest(value):
    assert nest(flatten({"top": value})) == {"top": value}


def test_bind_reads_each_field_by_its_kind_and_returns_the_rest():
    given_ = {"filename": "x", "cluster-size": "64k", "lazy": "on", "overlap": {"mode": "all"}, "file": {"a": "b"}}

    sample, rest = bind(Sample, given_)

    assert sample == Sample(filename="x", cluster_size=65536, lazy=True, overlap__mode="all")
    assert rest == {"file": {"a": "b"}}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "'filename'"),
        ({"filename": "x", "lazy": "maybe"}, "Parameter 'lazy' expects 'on' or 'off'"),
        ({"filename": "x", "cluster-size": "1s"}, "'cluster-size'"),
        ({"filename": "x", "depth": "10"}, "Parameter 'depth' expects a number from 0 to 9"),
        ({"filename": "x", "depth": True}, "Parameter 'depth' expects a number"),
        ({"filename": 3}, "Parameter 'filename' expects a string"),
    ],
)
def test_bind_of_a_wrong_value_names_the_option(wrong, message):
    with pytest.raises(OptionError) as caught:
        bind(Sample, wrong)

    assert message in str(caught.value)


def test_table_lists_options_by_their_typed_names():
    assert list(table(Sample)) == ["filename", "cluster-size", "lazy", "overlap.mode", "depth"]
