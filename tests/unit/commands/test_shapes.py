from __future__ import annotations

import re
from itertools import chain

import pytest

from pyqio.commands.shapes import KINDS, SHAPES


def every_field(fields):
    inner = chain.from_iterable(every_field(field.kind) for field in fields if not isinstance(field.kind, str))
    return [*fields, *inner]


def test_shapes_when_listed_then_each_type_once():
    types = [shape.type for shape in SHAPES]

    assert sorted(set(types)) == sorted(types)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.type)
def test_shape_when_described_then_names_and_kinds_are_of_one_style(shape):
    fields = every_field(shape.fields)

    names = [shape.type, *(field.name for field in fields)]
    kinds = {field.kind for field in fields if isinstance(field.kind, str)}
    assert [name for name in names if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)] == []
    assert kinds <= KINDS.keys()
    assert "type" not in names[1:]
