"""Texts in CSV files that a spreadsheet would run: guarded on the way out, bare on the way in.

What lives here: the guard, and taking it off. What does not: writing and reading files.
"""

from typing import Final

import polars as pl

_GUARD: Final = "'"
"""Spreadsheets take what follows it for text."""

_BEGINNINGS: Final = r"[=+\-@'\t\r]"
"""What a formula begins with; the guard itself, so that taking it off gives back each text."""


def guarded(texts: pl.Expr) -> pl.Expr:
    """The texts, of which none begins like a formula.

    References:
        OWASP, CSV Injection.
    """
    return texts.str.replace(f"^({_BEGINNINGS})", f"{_GUARD}$1")


def without_guards(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame's texts as they were before they were `guarded`."""
    is_guarded = {
        column.name: column.str.starts_with(_GUARD).any()
        for column in frame
        if column.dtype == pl.String
    }
    bare = pl.col([name for name, is_so in is_guarded.items() if is_so])
    return frame.with_columns(bare.str.replace(f"^{_GUARD}({_BEGINNINGS})", "$1"))
