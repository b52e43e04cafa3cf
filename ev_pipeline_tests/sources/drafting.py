"""Files that nobody described, and what a draft says of them.

What lives here: making and drafting them. What does not: what must be found (tests).
"""

from pathlib import Path
from typing import Any

from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.mapping import Mapping, parse_mapping


def drafted(folder: Path, text: str | bytes, *, name: str = "export.csv") -> tuple[str, Mapping]:
    """The draft of such a file: as written, and as read."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    toml = draft_mapping(path)
    return toml, parse_mapping(toml, where="draft.toml")


def said(mapping: Mapping) -> dict[str, dict[str, Any]]:
    """What the mapping says of each field, without what is absent."""
    return {
        field: {key: value for key, value in source if value not in (None, (), 0, False, {})}
        for field, source in (mapping.sources | mapping.hints).items()
    }


def rows(*lines: str, n: int = 40) -> str:
    """A header and `n` rows, in which `{i}` counts and `{d}` is a day of the month."""
    header, *pattern = lines
    counted = (pattern[i % len(pattern)].format(i=i, d=f"{i % 28 + 1:02d}") for i in range(n))
    return "\n".join([header, *counted]) + "\n"
