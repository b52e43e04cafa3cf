"""The JSON Schema of a canonical session on the wire, from the one list of its fields.

What lives here: how a kind of field is told in a schema. What does not: the fields
(`domain.session`), and what is wrong with a session that a schema cannot say (`domain.rules`).
"""

import json
from typing import Any, Final

from ev_pipeline.domain.session import SESSION_FIELDS, FieldSpec, Kind

_KINDS: Final[dict[Kind, dict[str, Any]]] = {
    Kind.TEXT: {"type": ["string", "number"], "maxLength": 10_000},
    Kind.NUMBER: {
        "type": ["number", "string"],
        "pattern": r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$",
    },
    Kind.TIME: {
        "type": "string",
        "format": "date-time",
        "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ].*([Zz]|[+-]\d{2}:?\d{2})$",
    },
}
"""A text may come as a number and a number as a text; a time carries an offset."""


def session_schema() -> dict[str, Any]:
    """The schema of one session as an account sends it."""
    properties = {_wire_name(field): _property(field) for field in SESSION_FIELDS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "session",
        "description": "On ev/sessions/ACCOUNT: a canonical session; other keys are passed over.",
        "type": "object",
        "properties": properties,
        "required": [_wire_name(field) for field in SESSION_FIELDS if field.is_required],
    }


def session_schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(session_schema(), indent=2, ensure_ascii=False) + "\n"


def _wire_name(field: FieldSpec) -> str:
    return "session_id" if field.name == "source_session_id" else field.name


def _property(field: FieldSpec) -> dict[str, Any]:
    kind = dict(_KINDS[field.kind])
    if not field.is_required:
        types = kind["type"]
        kind["type"] = [*([types] if isinstance(types, str) else types), "null"]
    return {**kind, "description": field.description}
