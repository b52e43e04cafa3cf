"""Paths into JSON records: names with points between, numbers for places in lists.

What lives here: what stands at a path, and which paths a record has.
What does not: what the values mean (`json_texts`).
"""

import json
from collections.abc import Iterable
from typing import Any, Final

_MAX_DEPTH: Final = 20
"""No source hides a value deeper."""


def at(value: Any, path: Iterable[str]) -> Any:
    """What stands at a path, null where it leads nowhere; a number counts a list's places."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def single_values(value: Any, path: str = "") -> dict[str, str | None]:
    """The single values of a record by path, as texts; lists of objects are left out."""
    if path.count(".") >= _MAX_DEPTH:
        return {}
    if isinstance(value, dict):
        inside = {key: item for key, item in value.items() if key and "." not in key}
    elif isinstance(value, list):
        inside = {
            str(place): item
            for place, item in enumerate(value)
            if not isinstance(item, dict | list)
        }
    else:
        return {path: _text(value)}
    return {
        name: text
        for key, item in inside.items()
        for name, text in single_values(item, f"{path}.{key}" if path else key).items()
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
