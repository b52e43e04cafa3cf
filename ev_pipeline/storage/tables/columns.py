"""What tables are made of: the metadata that they join, and columns as they are written here.

What lives here: naming of constraints, and a function a kind of column.
What does not: the tables.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import UserDefinedType

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Xid8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "xid8"


TIME: Final = sa.DateTime(timezone=True)
"""Moments are stored in UTC, whatever zone they were written in."""

NUMBER: Final[sa.Double[float]] = sa.Double()
"""Measured values; sums of them are kept as exact numerics."""

TEXTS: Final = pg.ARRAY(sa.Text())
"""Codes."""


def text(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    """Text; null allowed unless required."""
    return sa.Column(name, sa.Text(), nullable=not required, comment=comment)


def number(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    """A double; its unit is in its name and comment."""
    return sa.Column(name, NUMBER, nullable=not required, comment=comment)


def time(name: str, comment: str, *, required: bool = False) -> sa.Column[Any]:
    """A moment, UTC."""
    return sa.Column(name, TIME, nullable=not required, comment=comment)


def count(name: str, comment: str) -> sa.Column[Any]:
    """A number of things, from 0."""
    return sa.Column(
        name, sa.BigInteger(), nullable=False, server_default=sa.text("0"), comment=comment
    )


def flag(name: str, comment: str) -> sa.Column[Any]:
    """Yes or no, always known."""
    return sa.Column(name, sa.Boolean(), nullable=False, comment=comment)


def document(name: str, comment: str, default: str | None = None) -> sa.Column[Any]:
    """JSON; null allowed unless there is a default, which is JSON too."""
    return sa.Column(
        name,
        pg.JSONB(),
        nullable=default is None,
        server_default=None if default is None else sa.text(f"'{default}'"),
        comment=comment,
    )
