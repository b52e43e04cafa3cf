"""The change log of a database that came from another server.

A server counts its transactions by itself. Numbers that another server gave say nothing here, and
may lie in what is this one's future: readers, who take what lies below the oldest running
transaction, would wait for years, and then count it all again. What lives here: numbers that are
right here. What does not: the log and its readers (`changes`).
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.changes import horizon_now

_CHANGES: Final = """
    update ev_session_change c
    set xid = (
        select cast(cast(3 + count(distinct r.horizon) as text) as xid8)
        from ev_reader r where r.horizon <= c.xid)
"""
_READERS: Final = """
    update ev_reader e
    set horizon = (
        select cast(cast(3 + count(distinct r.horizon) as text) as xid8)
        from ev_reader r where r.horizon <= e.horizon)
"""
"""A server's own transactions have the numbers below 3, and a new database's are some hundreds."""

_HIGHEST: Final = "select 3 + count(distinct horizon) from ev_reader"


def renumber_transactions(engine: sa.Engine) -> None:
    """Every change of the log was made long ago, and each reader has read what it had read.

    All that a reader asks of a change is whether it lies below its horizon. So the changes between
    two neighbouring horizons become those of one old transaction.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql("lock table ev_session_change, ev_reader")
        connection.exec_driver_sql(_CHANGES)
        connection.exec_driver_sql(_READERS)
        highest = int(connection.exec_driver_sql(_HIGHEST).scalar_one())
    while _next_transaction(engine) <= highest:
        continue  # a server that is younger than that ages by being asked


def _next_transaction(engine: sa.Engine) -> int:
    with engine.begin() as connection:
        connection.exec_driver_sql("select pg_current_xact_id()")
        return int(horizon_now(connection))
