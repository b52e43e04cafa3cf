"""What is known of stations changes amid a batch of the stream, and nothing is left stale."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.stations import follow_reporting_zone
from ev_pipeline_tests.intake.files import a_session, assert_rollups_are_exact, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.intake.test_registries import a_station
from ev_pipeline_tests.stack.processes import wait_until

WITHIN_S = 30

WAITING = "select count(*) from pg_stat_activity where wait_event = 'advisory'"

CLOCKS = """
    select s.source_session_id, extract(hour from s.started_local_at)::int, t.time_zone
    from ev_session s left join ev_station t using (scope, station_id)
    order by 1
"""


@contextmanager
def batch_under_way(engine: sa.Engine, settings: Settings) -> Iterator[None]:
    """A batch of the stream has done all but its commit, which comes with the context's end."""
    with engine.begin() as connection:
        deliver(connection, settings, [Delivery(a_session(session_id="S2", user_id="V"))])
        yield


def meanwhile(engine: sa.Engine, settings: Settings, change: Callable[[], object]) -> None:
    """The change begins before the batch is committed, and both come to an end."""
    with ThreadPoolExecutor(1) as pool:
        with batch_under_way(engine, settings):
            changed: Future[object] = pool.submit(change)
            wait_until(lambda: changed.done() or rows(engine, WAITING) == [1], within_s=WITHIN_S)
        changed.result(WITHIN_S)


def test_a_registry_that_moves_a_stations_clock_moves_that_of_a_session_on_its_way(
    load: Loader, engine: sa.Engine, settings: Settings
) -> None:
    load(a_session())
    meanwhile(engine, settings, lambda: load.registry(a_station()))
    assert rows(engine, CLOCKS) == [("S1", 9, "Europe/London"), ("S2", 9, "Europe/London")]
    assert_rollups_are_exact(engine, "UTC")


def test_a_station_stays_for_a_session_on_its_way_whose_load_is_taken_back(
    load: Loader, engine: sa.Engine, settings: Settings
) -> None:
    load(a_session())
    meanwhile(engine, settings, lambda: load.undo(1))
    assert rows(engine, CLOCKS) == [("S2", 8, None)]
    assert rows(engine, "select station_id from ev_station") == ["A"]
    assert_rollups_are_exact(engine, "UTC")


def test_another_reporting_zone_moves_the_clock_of_a_session_on_its_way(
    load: Loader, engine: sa.Engine, settings: Settings
) -> None:
    load(a_session())
    in_paris = settings.model_copy(update={"timezone": "Europe/Paris"})
    meanwhile(engine, settings, lambda: follow_reporting_zone(engine, in_paris))
    assert rows(engine, CLOCKS) == [("S1", 10, None), ("S2", 10, None)]
