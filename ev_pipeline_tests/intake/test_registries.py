from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.cli.migrate import bring_up_to_date
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline.storage.rollup_shapes import ROLLUPS
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    SITES,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    lasting,
    rows,
)
from ev_pipeline_tests.intake.loader import Loader, counts

LOCAL = "select started_local_at::text from ev_session order by source_session_id"


def in_zone(zone: str) -> Mapping:
    """A source whose mapping states the zone of its stations."""
    return parse_mapping(
        CANONICAL.text.replace('name = "canonical"', f'name = "canonical"\nzone = "{zone}"'),
        where="zoned",
    )


def a_station(**changes: Any) -> dict[str, Any]:
    return {
        "station_id": "A",
        "name": "High Street",
        "latitude": 56.4,
        "longitude": -3.1,
        "power_kw": 22,
        "connectors": 2,
        "time_zone": "Europe/London",
        **changes,
    }


def test_the_first_row_of_a_station_wins_within_a_file(load: Loader, engine: sa.Engine) -> None:
    result = load.registry(a_station(), a_station(), a_station(power_kw=50))
    assert counts(result) == {"received": 3, "stored": 1, "duplicate": 1, "quarantined": 1}
    assert result.tally.reasons == {"conflicts_with_stored": 1}
    assert rows(engine, "select power_kw, connectors from ev_station") == [(22.0, 2)]
    assert_ledger_adds_up(engine)


def test_a_later_file_replaces_a_station_and_taking_it_back_restores_it(
    load: Loader, engine: sa.Engine
) -> None:
    load.registry(a_station(), a_station(station_id="B"))
    before = lasting(engine)
    result = load.registry(a_station(power_kw=50), a_station(station_id="B"))
    assert counts(result) == {"received": 2, "updated": 1, "duplicate": 1}
    assert rows(engine, "select power_kw from ev_station order by station_id") == [50.0, 22.0]
    load.undo(2)
    assert lasting(engine) == before


def test_an_undone_registry_names_those_that_had_repeated_it(load: Loader) -> None:
    load.registry(a_station(), a_station())
    load.registry(a_station(), a_station(station_id="B"))
    load.registry(a_station(station_id="B"))
    assert load.undo(1) == [2]
    assert load.undo(2) == [3]


def test_registry_loads_can_be_taken_back_in_any_order(load: Loader, engine: sa.Engine) -> None:
    for power_kw in (7, 22, 50):
        load.registry(a_station(power_kw=power_kw))
    load.undo(2)
    assert rows(engine, "select power_kw from ev_station") == [50.0]
    load.undo(3)
    assert rows(engine, "select power_kw from ev_station") == [7.0]
    load.undo(1)
    assert rows(engine, "select * from ev_station") == []
    assert rows(engine, "select * from ev_station_history") == []


def test_a_station_that_sessions_named_is_registered_and_released_again(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_session())
    before = lasting(engine)
    assert counts(load.registry(a_station(time_zone="UTC"))) == {"received": 1, "stored": 1}
    assert rows(engine, "select is_registered, name from ev_station") == [(True, "High Street")]
    load.undo(2)
    after = lasting(engine)
    session = after.pop("ev_session")
    assert [text.replace('"revision": 3', '"revision": 1') for text in session] == before.pop(
        "ev_session"
    )
    assert after == before


def test_a_station_that_its_registry_lost_stays_for_its_sessions(
    load: Loader, engine: sa.Engine
) -> None:
    load.registry(a_station())
    load(a_session())
    load.undo(1)
    found = rows(engine, "select station_id, is_registered, power_kw, time_zone from ev_station")
    assert found == [("A", False, None, None)]
    assert rows(engine, LOCAL) == ["2024-05-06 08:00:00"]


def test_another_time_zone_corrects_the_local_starts(load: Loader, engine: sa.Engine) -> None:
    load.registry(a_station(time_zone="UTC"))
    load(a_session(), a_session(session_id="S2", station_id="B"))
    load.registry(a_station(time_zone="Asia/Tokyo"))
    local = "select started_local_at::text, revision from ev_session order by station_id"
    assert rows(engine, local) == [("2024-05-06 17:00:00", 2), ("2024-05-06 08:00:00", 1)]
    kinds = "select kind, sign, revision from ev_session_change where kind <> 'insert' order by seq"
    assert rows(engine, kinds) == [("correction", -1, 1), ("correction", 1, 2)]
    load.undo(3)
    assert rows(engine, local) == [("2024-05-06 08:00:00", 3), ("2024-05-06 08:00:00", 1)]
    assert_rollups_are_exact(engine, "UTC")
    load.undo(2)
    assert rows(engine, local) == []


def test_the_registered_zone_gives_the_local_start(load: Loader, engine: sa.Engine) -> None:
    load.registry(a_station())
    load(a_session())
    assert rows(engine, "select started_local_at::text from ev_session") == ["2024-05-06 09:00:00"]
    assert rows(engine, "select quality_codes from ev_session") == [[]]


def test_a_station_whose_registry_tells_no_zone_has_that_of_its_records(
    load: Loader, engine: sa.Engine
) -> None:
    zoned = CANONICAL.model_copy(update={"zone": "Europe/London", "name": "zoned"})
    local = "select distinct started_local_at::text from ev_session"
    load.registry(a_station(time_zone=None))
    load(a_session())
    assert rows(engine, local) == ["2024-05-06 08:00:00"]
    load(a_session(session_id="S2", connector_id="2"), mapping=zoned)
    load.registry(a_station(time_zone=None, power_kw=7))
    assert rows(engine, "select time_zone from ev_station") == ["Europe/London"]
    assert rows(engine, local) == ["2024-05-06 09:00:00"]
    assert_rollups_are_exact(engine, "UTC")


def test_a_site_places_the_stations_that_carry_its_name(load: Loader, engine: sa.Engine) -> None:
    load(a_session(station_id="Z"))
    load.registry(
        a_station(latitude=None, longitude=None),
        a_station(station_id="B", name="high street!"),
    )
    before = lasting(engine)
    site = {"name": "High-Street", "latitude": 1.5, "longitude": 2.5}
    result = load.registry(site, {**site, "name": "HIGH STREET"}, mapping=SITES)
    assert counts(result) == {"received": 2, "stored": 1, "quarantined": 1}
    placed = (
        "select station_id, latitude, site_key from ev_station where name is not null order by 1"
    )
    assert rows(engine, placed) == [("A", 1.5, "highstreet"), ("B", 56.4, None)]
    moved = load.registry({**site, "latitude": 3.5}, mapping=SITES)
    assert counts(moved) == {"received": 1, "updated": 1}
    assert rows(engine, placed) == [("A", 3.5, "highstreet"), ("B", 56.4, None)]
    load.undo(4)
    assert rows(engine, placed) == [("A", 1.5, "highstreet"), ("B", 56.4, None)]
    load.undo(3)
    assert lasting(engine) == before


def test_a_registry_row_without_its_key_is_quarantined(load: Loader, engine: sa.Engine) -> None:
    result = load.registry(a_station(station_id=None), a_station(latitude=95))
    assert result.tally.reasons == {"bad_value": 1, "missing_field": 1}
    assert rows(engine, "select * from ev_station") == []


@pytest.mark.parametrize("connectors", ["1e300", "1000000000000", "2.5", "0"])
def test_a_number_of_connectors_that_is_none_is_quarantined(load: Loader, connectors: str) -> None:
    result = load.registry(a_station(connectors=connectors), a_station(station_id="B"))
    assert counts(result) == {"received": 2, "stored": 1, "quarantined": 1}


def test_a_zone_that_only_a_load_told_goes_with_it(load: Loader, engine: sa.Engine) -> None:
    load(a_session())
    load(a_session(session_id="S2", connector_id="2"), mapping=in_zone("Asia/Tokyo"))
    load(a_session(session_id="S3", connector_id="3"), mapping=in_zone("Europe/London"))
    assert rows(engine, LOCAL) == ["2024-05-06 17:00:00"] * 3
    load.undo(2)
    assert rows(engine, LOCAL) == ["2024-05-06 09:00:00"] * 2
    load.undo(3)
    assert rows(engine, LOCAL) == ["2024-05-06 08:00:00"]
    assert rows(engine, "select time_zone from ev_station") == [None]
    assert_rollups_are_exact(engine, "UTC")


def test_a_zone_that_records_told_is_back_when_the_registry_goes(
    load: Loader, engine: sa.Engine
) -> None:
    load.registry(a_station(time_zone="Asia/Tokyo"))
    load(a_session(), mapping=in_zone("Europe/London"))
    assert rows(engine, LOCAL) == ["2024-05-06 17:00:00"]
    load.undo(1)
    assert rows(engine, LOCAL) == ["2024-05-06 09:00:00"]


@pytest.mark.parametrize("is_folded", [True, False])
def test_another_reporting_zone_corrects_the_clocks_of_stations_without_one(
    load: Loader, engine: sa.Engine, *, is_folded: bool
) -> None:
    load.registry(a_station())
    load(a_session(), a_session(session_id="S2", station_id="B"))
    assert rows(engine, LOCAL) == ["2024-05-06 09:00:00", "2024-05-06 08:00:00"]
    if not is_folded:
        with engine.begin() as connection:
            connection.execute(sa.text("delete from ev_reader where reader = 'rollups'"))
            for rollup in ROLLUPS:
                connection.execute(sa.text(f"delete from {rollup.table}"))
    in_tokyo = load.settings.model_copy(update={"timezone": "Asia/Tokyo"})
    told: list[str] = []
    assert bring_up_to_date(in_tokyo, tell=told.append).n_clocks_corrected == 1
    assert bring_up_to_date(in_tokyo, tell=lambda _: None).n_clocks_corrected == 0
    assert rows(engine, LOCAL) == ["2024-05-06 09:00:00", "2024-05-06 17:00:00"]
    assert "1 sessions at stations without a zone follow Asia/Tokyo" in told
    assert_rollups_are_exact(engine, "Asia/Tokyo")


def test_the_weekday_is_judged_again_when_a_clock_is_corrected(
    load: Loader, engine: sa.Engine
) -> None:
    weekdays = parse_mapping(CANONICAL.text + '\nweekday = "weekday"\n', where="weekdays")
    late = {"started_at": "2024-05-06T20:00:00Z", "ended_at": "2024-05-06T21:00:00Z"}
    load(
        a_session(weekday="Monday", **late),
        a_session(session_id="S2", connector_id="2", weekday="Tuesday", energy_kwh=0.1, **late),
        mapping=weekdays,
    )
    judged = "select quality, quality_codes from ev_session order by source_session_id"
    unknown = "station_unregistered"
    at_first = [
        ("valid", [unknown]),
        ("warning", ["under_0_5_kwh", "weekday_mismatch", unknown]),
    ]
    assert rows(engine, judged) == at_first
    load.registry(a_station(time_zone="Asia/Tokyo"))
    assert rows(engine, judged) == [
        ("warning", ["weekday_mismatch"]),
        ("warning", ["under_0_5_kwh"]),
    ]
    load.undo(2)
    assert rows(engine, judged) == at_first
    assert_rollups_are_exact(engine, "UTC")
