"""What a wrong mapping is told: the file, the line, what is wrong there and how to mend it.

What lives here: finding a key's line in a TOML text, and wording what pydantic found.
What does not: what a mapping may say (`mapping`, `fields`), keys that it has not (`unknown_keys`).
"""

import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping_rules import WrongFieldError
from ev_pipeline.sources.unknown_keys import what_was_meant

_TABLE: Final = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""^\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=""")
_AT_LINE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")

MAPPING_PAGE: Final = "docs/mapping.md"


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """The line, counted from 1, of the deepest part of `path` that the text names.

    Args:
        text: a TOML document.
        path: keys from the top down; numbers (places in lists) are passed over.
    """
    wanted = [str(part) for part in path if not isinstance(part, int)]
    best, best_depth, table = 1, 0, []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = [part.strip().strip("\"'") for part in header.group(1).split(".")]
            full = table
        elif key := _KEY.match(line):
            name = key.group(1)
            parts = [name.strip("\"'")] if name[0] in "\"'" else name.split(".")
            full = [*table, *parts]
        else:
            continue
        depth = len(full)
        if depth > best_depth and full == wanted[:depth]:
            best, best_depth = number, depth
    return best


def line_naming(text: str, column: str) -> int | None:
    """The line, counted from 1, on which a mapping's text first names a column."""
    quoted = (json.dumps(column, ensure_ascii=False), f"'{column}'")
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if any(name in line for name in quoted)), None)


def unreadable(error: tomllib.TOMLDecodeError, text: str, where: str) -> PipelineError:
    """The error of a text that is no TOML."""
    place = _AT_LINE.search(str(error))
    lines = len(text.splitlines())
    line, column = (place.group(1), place.group(2)) if place else (str(max(lines, 1)), "1")
    what = _AT_LINE.sub("", str(error)).replace("(at end of document)", "").strip()
    return PipelineError(
        f"this is not TOML: {what}",
        where=f"{where}, line {line}, column {column}",
        mend='write key = "value", texts in double quotes, each key once in its section',
    )


def refused(
    error: ValidationError, text: str, where: str, known_at_top: Iterable[str]
) -> PipelineError:
    """The error of a mapping that says something wrong: the first thing, with its line.

    Args:
        error: what pydantic found.
        text: the TOML.
        where: what the text is called.
        known_at_top: the keys of the mapping itself.
    """
    first = min(
        error.errors(), key=lambda item: (item["type"] == "missing", line_of(text, item["loc"]))
    )
    loc, kind = first["loc"], first["type"]
    key = ".".join(str(part) for part in loc)
    context: dict[str, Any] = first.get("ctx", {})
    if kind == "extra_forbidden":
        records = str(tomllib.loads(text).get("records", ""))
        what, mend = what_was_meant(loc, records, known_at_top)
    elif kind == "missing":
        what, mend = f"the key {key} is missing", f"add {loc[-1]} = ...; see {MAPPING_PAGE}"
    elif kind == "literal_error":
        what = f"{key} = {first['input']!r} is not known"
        mend = f"write one of {context['expected']}"
    elif kind == "value_error":
        what, mend = _split(str(context["error"]), key)
        if isinstance(context["error"], WrongFieldError):
            loc = ("fields", context["error"].field)
    else:
        what = f"{key or 'the mapping'}: {first['msg']}, but it says {first['input']!r}"
        mend = f"see {key or 'the keys'} in {MAPPING_PAGE}"
    return PipelineError(what, where=f"{where}, line {line_of(text, loc)}", mend=mend)


def _split(message: str, key: str) -> tuple[str, str]:
    """What and mend of a message that our own checks wrote as `what; mend`."""
    prefix = f"{key}: " if key else ""
    what, _, mend = message.partition("; ")
    return prefix + what, mend or f"see {key or 'the example'} in {MAPPING_PAGE}"
