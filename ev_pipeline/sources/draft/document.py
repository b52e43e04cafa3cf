"""A draft as TOML, with what told and what to check beside each line.

What lives here: the text. What does not: what it says (`choice`).
"""

import json
from typing import Any

from ev_pipeline.sources.draft.statement import Statement


def line(key: str, value: Any, *, why: str = "", to_check: str = "") -> str:
    """One line `key = value`, with a comment where there is something to say."""
    said = "; ".join(filter(None, (why, f"CHECK: {to_check}" if to_check else "")))
    return f"{key} = {as_toml(value)}" + (f"  # {_one_line(said)}" if said else "")


def statement_lines(statements: tuple[Statement, ...]) -> list[str]:
    """The lines of a section."""
    return [
        comment(f"{told.field} = ...  CHECK: {told.to_check}")
        if told.is_open
        else line(told.field, told.source, why=told.why, to_check=told.to_check)
        for told in statements
    ]


def comment(text: str) -> str:
    """A line that is only a comment."""
    return f"# {_one_line(text)}"


def as_toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        pairs = (f"{_key(key)} = {as_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else as_toml(key)


def _one_line(text: str) -> str:
    """The text without what a TOML comment cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
