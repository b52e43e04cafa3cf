"""What an asset says of itself in Dagster: columns beforehand, rows and seconds afterwards.

What lives here: metadata that several assets share. What does not: pictures (`plots`), and each
asset's `code_version`, which is raised where the same records would give other rows.
"""

from html import escape
from time import perf_counter
from typing import Any, Final

import dagster as dg
import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

OWNERS: Final = ["team:ev-pipeline"]
"""Who answers for the assets."""

MODELS_POOL: Final = "models"
"""Runs with an asset of this pool wait for each other, also those started on a page."""

PREVIEW_ROWS: Final = 5
"""Enough to see what a row looks like, and little beside the figures."""

_PERSONAL: Final = {"user_id"}
"""Columns that no preview shows."""


def of_table(table: sa.Table) -> dict[str, Any]:
    """Name and columns of the table that an asset writes, from the table's own comments."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped
    columns = [
        dg.TableColumn(
            column.name,
            type=column.type.compile(dialect).lower(),
            description=column.comment,
            constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
        )
        for column in table.columns
    ]
    return {
        "dagster/table_name": table.name,
        "dagster/column_schema": dg.TableSchema(columns),
    }


def of_rows(
    n_rows: int, *, since: float, preview: pl.DataFrame | None = None, **figures: Any
) -> dict[str, Any]:
    """What a materialization did.

    Args:
        n_rows: rows that the asset now has.
        since: reading of `perf_counter` when it began, s.
        preview: rows of which the first few are shown, without who charged.
        figures: what else there is to say.
    """
    shown = {} if preview is None else {"preview": preview_table(preview)}
    return {
        "dagster/row_count": n_rows,
        "seconds": round(perf_counter() - since, 3),
        **figures,
        **shown,
    }


def preview_table(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The first rows as a small table, without personal columns."""
    shown = frame.head(PREVIEW_ROWS).drop(_PERSONAL & set(frame.columns))
    return markdown_table(shown.rows(named=True))


def markdown_table(rows: list[dict[str, Any]]) -> dg.MarkdownMetadataValue:
    """The rows as a Markdown table; no rows are said in words."""
    if not rows:
        return dg.MetadataValue.md("no rows")
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(map(_cell, row.values())) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = "" if value is None else str(value)
    return escape(text).replace("|", "\\|").replace("\n", " ")
