"""How commands speak: one JSON document on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

messages: Final = Console(stderr=True, highlight=False)
"""For progress and messages."""

results: Final = Console(highlight=False)
"""For what a person asked to see."""


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_json(document: Any) -> None:
    """Print one JSON document and nothing else on standard output."""
    sys.stdout.write(json.dumps(document, default=_plain, ensure_ascii=False, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table for people; null cells are empty."""
    table = Table(title=title or None, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    results.print(table)
