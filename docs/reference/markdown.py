"""Markdown as the generated parts of the pages are written.

What lives here: tables and texts in their cells. What does not: what the pages say.
"""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line of headings; an empty one where there are no rows."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "\n".join("|".join(["", *map(_cell, line), ""]) for line in lines)


def code(text: str) -> str:
    """The text as code; nothing for nothing."""
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text if set(text) == {"-"} else f" {text.replace('|', '&#124;')} "
