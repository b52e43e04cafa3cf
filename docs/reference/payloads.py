"""A page of every JSON document on the broker, from the schemas that tests hold it against.

What lives here: how a schema is told as a table. What does not: the schemas.
"""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from docs.reference.markdown import code, table
from docs.reference.session_schema import session_schema
from ev_pipeline.messaging import topics

SCHEMAS: Final = "../ev_pipeline/panels/schemas"
"""Where the schemas stand, as the page links to them."""

_INTRODUCTION: Final = """\
# Payloads

Every JSON document that goes over the broker, by the JSON Schema that it is held against. `[]`
is each element of a list, `*` each key of an object. [How sessions are sent](messages.md) tells
the other shapes that a session may have.
"""

_ENVELOPE: Final = """\
## Panels

Every panel has the same envelope: `panel` (its name), `generated_at`, `as_of` (position in the
change log), `timezone` and `currency` of the reports, `model_version` (the champion, or null),
`n_sessions` (stored sessions that it is made of), `n_excluded` (records in quarantine that would
belong to it) and `data`, which differs. What the figures mean is in [What the dashboard
shows](panels.md).
"""

_IN: Final = ("rejection", "predict_answer", "period_request", "period_answer")

_STATE: Final = ("progress", "status", "alert")

_SAID_ELSEWHERE: Final = frozenset({"error"})
"""Tables tell answers; their errors are one shape, told in a sentence."""


def payloads_page() -> str:
    """The page's text."""
    sections = [_section(session_schema(), "session.schema.json")]
    sections += [_of_file(name, "##") for name in (*_IN, *_STATE)]
    panels = [_of_file(name, "###") for name in (*topics.STREAM_PANELS, *topics.OPERATION_PANELS)]
    return "\n".join([_INTRODUCTION, *sections, _ENVELOPE, *panels])


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a document that this system sends, or is asked by."""
    path = files("ev_pipeline.panels") / "schemas" / f"{name}.schema.json"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _of_file(name: str, level: str) -> str:
    return _section(schema_of(name), f"{SCHEMAS}/{name}.schema.json", level)


def _section(schema: dict[str, Any], link: str, level: str = "##") -> str:
    shown = schema["properties"]["data"] if level == "###" else schema
    rows = [_row(path, each) for path, each in _walk(shown, "")]
    told = f"{schema['description']} [Schema]({link})."
    parts = [
        f"{level} {schema['title']}",
        told,
        table(("field", "type", "needed", "meaning"), rows),
    ]
    if any("error" in each.get("properties", {}) for each in schema.get("oneOf", ())):
        parts.append('What cannot be answered gets `{"error": {"code", "message"}}`.')
    return "\n\n".join(parts) + "\n"


def _row(path: str, each: dict[str, Any]) -> tuple[str, ...]:
    needed = "yes" if each["is_required"] else ""
    return code(path), _types(each), needed, each.get("description", "")


def _walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below the schema, outer ones first, with its path."""
    for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        yield from _walk(alternative, path)
    if "then" in schema:
        yield from _walk(schema["then"], path)
    if isinstance(schema.get("items"), dict):
        yield from _walk(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _walk(schema["additionalProperties"], f"{path}.*")
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        if name in _SAID_ELSEWHERE:
            continue
        inner = f"{path}.{name}".lstrip(".")
        yield inner, {**each, "is_required": name in required}
        yield from _walk(each, inner)


def _types(schema: dict[str, Any]) -> str:
    """What values the field may have, in words."""
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(each)) for each in schema["enum"])
    named = schema.get("type", [])
    types = [named] if isinstance(named, str) else list(named)
    types += [each["type"] for each in schema.get("oneOf", ()) if isinstance(each.get("type"), str)]
    if "format" in schema and "string" in types:
        types[types.index("string")] = schema["format"]
    return ", ".join(types) or "anything"
