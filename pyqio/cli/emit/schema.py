"""The JSON Schema (draft 2020-12) of the objects that --json prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pyqio.commands.shapes import SHAPES, fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyqio.commands.shapes import Field, Shape

_KINDS: Final[dict[str, dict[str, Any]]] = {
    fields.TEXT: {"type": "string"},
    fields.BYTES: {"type": "string", "pattern": "^([0-9a-f]{2})*$"},
    fields.SIZE: {"type": "integer", "minimum": 0},
    fields.NUMBER: {"type": "integer"},
    fields.SECONDS: {"type": "number"},
    fields.FLAG: {"type": "boolean"},
    fields.TEXTS: {"type": "array", "items": {"type": "string"}},
    fields.OBJECT: {"type": "object"},
    fields.VALUE: {"type": ["integer", "string"]},
}


def schema() -> dict[str, Any]:
    """One line is one of these objects."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line of the output of pyqio --json",
        "oneOf": [{"$ref": f"#/$defs/{shape.type}"} for shape in SHAPES],
        "$defs": {shape.type: _shape(shape) for shape in SHAPES},
    }


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=2) + "\n"


def _shape(shape: Shape) -> dict[str, Any]:
    described = _object(shape.fields)
    return {
        **described,
        "description": shape.meaning,
        "properties": {"type": {"const": shape.type}, **described["properties"]},
        "required": ["type", *described["required"]],
    }


def _object(members: Iterable[Field]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in members},
        "required": [field.name for field in members if not field.optional],
        "additionalProperties": False,
    }


def _field(field: Field) -> dict[str, Any]:
    kind = _KINDS[field.kind] if isinstance(field.kind, str) else _object(field.kind)
    value = {"type": "array", "items": kind} if field.many else dict(kind)
    if field.nullable:
        value = {"oneOf": [value, {"type": "null"}]}
    return value | {"description": field.meaning}
