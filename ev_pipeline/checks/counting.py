"""One row of counts from the database, as a check shows it.

What lives here: running a query of counts. What does not: the queries, each beside its check.
"""

import sqlalchemy as sa


def count_row(
    engine: sa.Engine, sql: str, params: dict[str, str | float] | None = None
) -> dict[str, int]:
    """The one row of a query whose columns are all counts, from one snapshot."""
    with engine.connect() as connection:
        row = connection.execute(sa.text(sql), params or {}).mappings().one()
        return {name: int(value) for name, value in row.items()}
