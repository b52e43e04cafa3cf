"""A station's zone is what stands of what was told, and its sessions' clocks follow."""

import pytest
import sqlalchemy as sa

from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    a_session,
    assert_rollups_are_exact,
    lasting,
    rows,
)
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.intake.test_registries import a_station

IN_LONDON = CANONICAL.model_copy(update={"zone": "Europe/London", "name": "london"})
IN_PARIS = CANONICAL.model_copy(update={"zone": "Europe/Paris", "name": "paris"})
ZONE_IN_ROWS = parse_mapping(
    CANONICAL.text + '\n[station]\ntime_zone = "zone"\n', where="zone_in_rows"
)
ZONE = "select time_zone from ev_station where station_id = 'A'"
LOCAL_HOURS = """
    select distinct extract(hour from started_local_at)::int from ev_session
    where station_id = 'A'
"""


def _is(engine: sa.Engine, zone: str | None, local_hour: int) -> None:
    assert rows(engine, ZONE) == [zone]
    assert rows(engine, LOCAL_HOURS) == [local_hour]
    assert_rollups_are_exact(engine, "UTC")


def test_a_zone_that_only_a_registry_told_goes_with_it(load: Loader, engine: sa.Engine) -> None:
    load.registry(a_station())
    load(a_session())
    _is(engine, "Europe/London", 9)
    load.undo(1)
    _is(engine, None, 8)


def test_a_zone_that_sessions_told_is_back_when_the_registry_goes(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session(), mapping=IN_LONDON)
    load.registry(a_station(time_zone="Asia/Tokyo"))
    _is(engine, "Asia/Tokyo", 17)
    load.undo(2)
    _is(engine, "Europe/London", 9)


def test_a_zone_that_a_later_registry_left_as_it_was_goes_with_the_one_that_told_it(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load.registry(a_station())
    load.registry(a_station(time_zone=None, power_kw=7))
    _is(engine, "Europe/London", 9)
    load.undo(2)
    _is(engine, None, 8)


def test_a_zone_stays_while_a_registry_that_repeated_it_stands(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load.registry(a_station())
    load.registry(a_station())
    load.undo(2)
    _is(engine, "Europe/London", 9)
    load.undo(3)
    _is(engine, None, 8)


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_of_two_registries_the_zone_of_the_last_that_stands_holds(
    load: Loader, engine: sa.Engine, order: tuple[int, int]
) -> None:
    told = {2: ("Europe/London", 9), 3: ("Asia/Tokyo", 17)}
    load(a_session())
    load.registry(a_station(time_zone=told[2][0]))
    load.registry(a_station(time_zone=told[3][0]))
    load.undo(order[0])
    _is(engine, *told[order[1]])
    load.undo(order[1])
    _is(engine, None, 8)


def test_a_zone_that_a_load_told_goes_with_it(load: Loader, engine: sa.Engine) -> None:
    load(a_session())
    load(a_session(session_id="S2", connector_id="2"), mapping=IN_LONDON)
    _is(engine, "Europe/London", 9)
    load.undo(2)
    _is(engine, None, 8)
    assert rows(engine, "select count(*) from ev_session") == [1]


def test_a_zone_stays_while_another_load_that_told_it_stands(
    load: Loader, engine: sa.Engine
) -> None:
    for number, zoned in enumerate((IN_LONDON, IN_PARIS), start=1):
        load(a_session(session_id=f"S{number}", connector_id=str(number)), mapping=zoned)
    _is(engine, "Europe/London", 9)
    load.undo(1)
    _is(engine, "Europe/Paris", 10)


def test_a_zone_that_rows_told_stays_when_another_load_goes(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session(zone="Europe/London"), mapping=ZONE_IN_ROWS)
    load(a_session(session_id="S2", connector_id="2"))
    load.registry(a_station(time_zone="Asia/Tokyo"))
    load.undo(3)
    load.undo(2)
    _is(engine, "Europe/London", 9)


def test_a_zone_that_a_load_told_of_sessions_that_were_stored_goes_with_it(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    load(a_session(), mapping=IN_LONDON)
    _is(engine, "Europe/London", 9)
    load.undo(2)
    _is(engine, None, 8)


def test_a_zone_stays_while_the_stream_has_told_it(load: Loader, engine: sa.Engine) -> None:
    load(a_session(), mapping=IN_LONDON)
    message = Delivery(a_session(session_id="S2", connector_id="2"))
    with engine.begin() as connection:
        deliver(connection, load.settings, [message], mapping=IN_LONDON)
    load.undo(1)
    _is(engine, "Europe/London", 9)


def test_a_session_that_is_put_back_starts_by_the_clock_there_is_then(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    corrected = CORRECTING.model_copy(update={"zone": "Europe/London"})
    load(a_session(energy_kwh=7), mapping=corrected)
    _is(engine, "Europe/London", 9)
    load.undo(2)
    _is(engine, None, 8)
    assert rows(engine, "select energy_kwh from ev_session") == [12.5]


def test_what_told_a_zone_is_as_if_it_had_never_been(load: Loader, engine: sa.Engine) -> None:
    load(a_session(), mapping=IN_LONDON)
    before = lasting(engine)
    load(a_session(session_id="S2", station_id="B"), mapping=IN_PARIS)
    load.registry(a_station(station_id="B", time_zone="Europe/Paris"))
    load.undo(3)
    load.undo(2)
    assert lasting(engine) == before
