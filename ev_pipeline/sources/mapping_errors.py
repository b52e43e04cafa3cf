"""What a wrong mapping is told: the file, the line, what is wrong there and how to mend it.

What lives here: finding a key's line in a TOML text, and wording what pydantic found.
What does not: what a mapping may say (`mapping`, `fields`).
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS

_TABLE: Final = re.compile(r"^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""^\s*("[^"]*"|'[^']*'|[\w.-]+)\s*=""")
_AT_LINE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")

_MAPPING_PAGE: Final = "docs/mapping.md"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, if any is."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[close[0]] if close else None


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


def refused(error: ValidationError, text: str, where: str) -> PipelineError:
    """The error of a mapping that says something wrong: the first thing, with its line."""
    first = min(
        error.errors(), key=lambda item: (item["type"] == "missing", line_of(text, item["loc"]))
    )
    loc, kind = first["loc"], first["type"]
    key = ".".join(str(part) for part in loc)
    context: dict[str, Any] = first.get("ctx", {})
    if kind == "extra_forbidden":
        what, mend = _unknown_key(loc)
    elif kind == "missing":
        what, mend = f"the key {key} is missing", f"add {loc[-1]} = ...; see {_MAPPING_PAGE}"
    elif kind == "literal_error":
        what = f"{key} = {first['input']!r} is not known"
        mend = f"write one of {context['expected']}"
    elif kind == "value_error":
        what, mend = _split(str(context["error"]), key)
    else:
        what = f"{key or 'the mapping'}: {first['msg']}, but it says {first['input']!r}"
        mend = f"see {key or 'the keys'} in {_MAPPING_PAGE}"
    return PipelineError(what, where=f"{where}, line {line_of(text, loc)}", mend=mend)


def _split(message: str, key: str) -> tuple[str, str]:
    """What and mend of a message that our own checks wrote as `what; mend`."""
    prefix = f"{key}: " if key else ""
    what, _, mend = message.partition("; ")
    return prefix + what, mend or f"see {key or 'the example'} in {_MAPPING_PAGE}"


def _unknown_key(loc: tuple[str | int, ...]) -> tuple[str, str]:
    name = str(loc[-1])
    is_field = loc[:-1] == ("fields",)
    fields = [spec.name for spec in (*SESSION_FIELDS, *STATION_FIELDS)]
    closest = nearest(name, fields if is_field else _KEYS)
    section = ".".join(str(part) for part in loc[:-1])
    place = f"in [{section}]" if section else "at the top"
    hint = f"did you mean {closest}?" if closest else f"{_MAPPING_PAGE} lists the keys"
    return f"the key {name!r} {place} is unknown", hint


_KEYS: Final = (
    *("name", "title", "records", "scope", "zone", "times_in", "resolution_s", "zones"),
    *("has_corrections", "key_has_end", "missing", "file", "fields", "station", "variant"),
    *("format", "delimiter", "quote", "encoding", "decimal", "list_at", "optional_columns"),
    *("thousands", "beside", "skip_lines", "skip_lines_starting", "clock_after_start"),
    *(
        "report_unknown_keys",
        "standard",
        "column",
        "columns",
        "value",
        "unit",
        "zone_column",
        "add_years",
    ),
    *("start_plus", "end_minus", "receipt", "until", "names", "latitude", "longitude", "time_zone"),
)
"""Every key of the language but the fields' names; a test holds it against the models."""
