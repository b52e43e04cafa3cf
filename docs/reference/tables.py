"""A page of every table, from the metadata that migrations are checked against.

What lives here: how a table's section is laid out. What does not: the tables (`storage.tables`).
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from docs.reference.markdown import code, table
from ev_pipeline.storage.tables.schema import SCHEMA

_Dialect: Final[Any] = postgresql.dialect
"""Typed as what it is: a class."""

_INTRODUCTION: Final = """\
# Tables

Everything that is stored, in PostgreSQL. Read by the role of `credentials/database-reader.env`
what you like; write through the commands only, since every change of a session goes with one of
the change log. The database holds the same comments (`\\d+ ev_session` in `psql`). Times are
UTC, units end the names.

Begin with `ev_session`, and with the view `ev_session_labelled`: it is `ev_session` with the
champion's labels beside each session (`model_version`, `kmeans_cluster`, `cluster_name`,
`dbscan_cluster`, `anomaly_score`, `is_anomaly`, `anomaly_reasons`, `labelled_at`,
`labelled_by`), null where a session has none yet.
"""


def tables_page() -> str:
    """The page's text."""
    tables = sorted(SCHEMA.tables.values(), key=lambda each: each.name)
    return "\n".join([_INTRODUCTION, *map(_section, tables)])


def _section(each: sa.Table) -> str:
    rows = [_row(column) for column in each.columns]
    return f"## {each.name}\n\n{each.comment}.\n\n{table(('column', 'type', 'meaning'), rows)}\n"


def _row(column: sa.Column[object]) -> tuple[str, str, str]:
    kind = column.type.compile(dialect=_Dialect()).lower()
    short = kind.replace("timestamp with time zone", "timestamptz")
    marks = ["key"] if column.primary_key else ["null"] if column.nullable else []
    return code(column.name), ", ".join([short, *marks]), column.comment or ""
