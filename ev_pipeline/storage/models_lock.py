"""The lock of whoever changes features, champion or labels.

What lives here: waiting for it, and saying who holds it. What does not: what is done under it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final

import psycopg2.errors
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ev_pipeline.domain.errors import PipelineError

MODELS_LOCK: Final = 0x65765F6D6F64656C
"""Advisory lock ("ev_model")."""

JOB_WAIT_S: Final = 1800.0
"""s; nobody waits for a run in the night, and a promotion of ten million labels takes minutes."""

COMMAND_WAIT_S: Final = 10.0
"""s; a person waits for this, and then wants to know for whom."""

_TRY_S: Final = 2.0
"""s for one try: a wait inside the server hears no Ctrl-C, and keeps vacuum from what went."""

_HOLDER: Final = """
    select a.application_name, to_char(a.state_change at time zone 'UTC', 'HH24:MI:SS') || ' UTC'
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and a.datname = current_database()
        and l.objsubid = 1 and l.classid = cast(:key >> 32 as oid)
        and l.objid = cast(:key & 4294967295 as oid)
"""


@contextmanager
def models_lock(engine: sa.Engine, *, holder: str, wait_s: float) -> Iterator[None]:
    """Keep others from changing features, champion or labels meanwhile.

    Args:
        engine: the database.
        holder: who this is, for those who wait.
        wait_s: how long to wait for another holder, s.

    Raises:
        PipelineError: another held it for so long.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # its name and its time-out end with it, and so does the lock
        connection.execute(
            sa.text("select set_config('application_name', :holder, false)"), {"holder": holder}
        )
        _acquire(connection, wait_s)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(MODELS_LOCK)))


def _acquire(connection: sa.Connection, wait_s: float) -> None:
    deadline = monotonic() + wait_s
    while True:
        remaining_s = deadline - monotonic()
        timeout_ms = max(int(1000 * min(remaining_s, _TRY_S)), 1)
        connection.exec_driver_sql(f"set lock_timeout = {timeout_ms}")
        try:
            connection.execute(sa.select(sa.func.pg_advisory_lock(MODELS_LOCK)))
        except OperationalError as error:
            if not isinstance(error.orig, psycopg2.errors.LockNotAvailable):
                raise
            if remaining_s <= _TRY_S:
                raise PipelineError(
                    f"models and labels are being changed by {_holder(connection)};"
                    f" waited {wait_s:.0f} s",
                    mend="wait until that has ended, then repeat this",
                ) from error
        else:
            return


def _holder(connection: sa.Connection) -> str:
    held = connection.execute(sa.text(_HOLDER), {"key": MODELS_LOCK}).one_or_none()
    return "somebody who has just ended" if held is None else f"{held[0]} since {held[1]}"
