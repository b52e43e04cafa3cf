"""Checks of a database that should answer: its schema, and what it knows of the time.

What lives here: asking it. What does not: its files (`doctor`), and bringing a schema up to date.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.clock import MEND, TOLERANCE
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.state import supervisor_pid
from ev_pipeline.storage.engine import connect, require_schema, schema_version

FEWEST_STATIONS: Final = 3
"""So many stations whose clocks are all ahead of ours are not each wrong by itself."""

_TIMES: Final = sa.text("""
    with newest as (
        select s.station_id, s.received_at
        from (select session_id from ev_session_change order by seq desc limit 1000) c
        join ev_session s using (session_id)
    ), refused as (
        select station_id, ended_at - last_seen_at as ahead
        from (select * from ev_quarantine order by quarantine_id desc limit 1000) q
        where state = 'open' and 'in_future' = any (codes)
            and last_seen_at > clock_timestamp() - interval '1 day'
    )
    select clock_timestamp() as database_at,
        (select max(received_at) from newest) as received_at,
        (select max(trained_at) from ev_model) as trained_at,
        (select count(distinct station_id) from newest
            where received_at > clock_timestamp() - interval '1 day') as n_stations,
        (select count(distinct station_id) from refused) as n_ahead,
        (select percentile_disc(0.5) within group (order by ahead) from refused) as ahead
""")


def is_to_answer(settings: Settings) -> bool:
    """Whether there is a database now: a stack that is up, or one that the environment names."""
    named = Settings().database_url is not None
    return named or supervisor_pid(Layout(settings.home)) is not None


def schema(settings: Settings) -> str:
    """The database answers, and its schema is this version's."""
    if not is_to_answer(settings):
        return "not looked at: the stack is down"
    with _asked(settings) as engine:
        require_schema(engine)
        return f"{schema_version(engine)}, this version's"


def times(settings: Settings) -> str:
    """What others told the time by agrees with this machine's clock."""
    if not is_to_answer(settings):
        return "not looked at: the stack is down"
    try:
        schema(settings)
    except PipelineError:
        return "not looked at: see schema"
    with _asked(settings) as engine, engine.connect() as connection:
        before = datetime.now(tz=UTC)
        told = connection.execute(_TIMES).one()
        after = datetime.now(tz=UTC)
    if not before - TOLERANCE < told.database_at < after + TOLERANCE:
        raise PipelineError(
            f"the database's machine says {_minute(told.database_at)}, this one {_minute(after)}",
            mend=f"{MEND}, on whichever is wrong",
        )
    stored_at = max(filter(None, (told.received_at, told.trained_at)), default=after)
    if stored_at > after + TOLERANCE:
        raise PipelineError(
            f"it says {_minute(after)}, and something was stored at {_minute(stored_at)}",
            mend=f"{MEND}; if it is right now, it was ahead then",
        )
    if told.n_ahead >= max(FEWEST_STATIONS, told.n_stations):
        raise PipelineError(
            f"it says {_minute(after)}, and {told.n_ahead} stations are ahead of it, by "
            f"{_hours(told.ahead)}: their sessions are refused as in_future",
            mend=f"{MEND}, then `ev-pipeline quarantine replay`",
        )
    return "as the database, what is stored, and the stations have it"


@contextmanager
def _asked(settings: Settings) -> Iterator[sa.Engine]:
    engine = connect(settings)
    try:
        yield engine
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise PipelineError(
            f"the database cannot be asked ({reason})", mend="run `ev-pipeline migrate`"
        ) from error
    finally:
        engine.dispose()


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _hours(ahead: timedelta) -> str:
    return f"{ahead / timedelta(hours=1):.1f} h"
