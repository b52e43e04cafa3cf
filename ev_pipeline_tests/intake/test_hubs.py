"""A station with very many connectors costs its sessions no more than others."""

from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import a_session
from ev_pipeline_tests.intake.streaming import Delivery, deliver

N_CONNECTORS: Final = 2_000
N_ARRIVING: Final = 20
N_READ_AT_MOST: Final = 4 * N_CONNECTORS
"""A small table may be read whole, once or twice, but never for each that arrives; `deliver` reads
it once more, to see what is stored."""

MORNING: Final = datetime(2024, 5, 6, 8, tzinfo=UTC)


def at_the_hub(name: str, number: int, started_at: datetime) -> Delivery:
    """A session of an hour at a connector of its own."""
    times = {
        "started_at": started_at.isoformat(),
        "ended_at": (started_at + timedelta(hours=1)).isoformat(),
    }
    return Delivery(a_session(session_id=f"{name}-{number}", connector_id=f"{number}", **times))


def test_a_session_at_a_hub_does_not_read_the_other_connectors(
    engine: sa.Engine, settings: Settings
) -> None:
    with engine.begin() as connection:
        deliver(connection, settings, [at_the_hub("M", n, MORNING) for n in range(N_CONNECTORS)])
    evening = MORNING + timedelta(hours=9)
    with engine.begin() as connection:
        deliver(connection, settings, [at_the_hub("E", n, evening) for n in range(N_ARRIVING)])
        n_read = connection.execute(
            sa.text(
                "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables"
                " where relname = 'ev_session'"
            )
        ).scalar_one()
    assert n_read < N_READ_AT_MOST
