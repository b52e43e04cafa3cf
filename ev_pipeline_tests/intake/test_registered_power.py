"""What a registry says of power and stations holds for the sessions that are stored already."""

from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.sources.mapping import Mapping
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    lasting,
    rows,
)
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.streaming import Delivery, deliver

SAID = "select source_session_id, quality, quality_codes from ev_session order by 1"
FLAGGED = """
    select source_session_id from ev_session
    where 'power_over_rating' = any(quality_codes) and quality = 'warning' order by 1
"""
TO_THE_MINUTE = CANONICAL.model_copy(update={"resolution_s": 60.0})


def a_station(power_kw: float | None, **changes: Any) -> dict[str, Any]:
    return {"station_id": "A", "name": "", "power_kw": power_kw, "time_zone": "UTC", **changes}


def a_charge(key: str, energy_kwh: float, minutes: int, **changes: Any) -> dict[str, Any]:
    """A session that begins in the hour of its own that its key tells."""
    hour = int(key[1:])
    return a_session(
        session_id=key,
        started_at=f"2024-05-06T{hour:02}:00:00Z",
        ended_at=f"2024-05-06T{hour:02}:{minutes:02}:00Z",
        energy_kwh=energy_kwh,
        **changes,
    )


AROUND_THE_LIMIT = [
    a_charge("S1", 11, 59),
    a_charge("S2", 6, 30),  # 12 kW: exactly 1.1 times 10.909… kW
    a_charge("S3", 2, 10),  # 12 kW, or 10.9 kW where times are cut to minutes
    a_charge("S4", 5, 59, charging_duration_h=0.4),
    a_charge("S5", 1, 59, max_power_kw=13),
    a_charge("S6", 1, 59, charging_duration_h=0),
    a_charge("S7", 11, 59, station_id="B"),
]


@pytest.mark.parametrize("mapping", [CANONICAL, TO_THE_MINUTE], ids=["exact", "to the minute"])
@pytest.mark.parametrize("power_kw", [None, 0, 10.9, 12 / 1.1, 11, 50])
def test_a_registry_that_comes_later_flags_as_if_it_had_come_first(
    load: Loader, engine: sa.Engine, power_kw: float | None, mapping: Mapping
) -> None:
    load.registry(a_station(power_kw))
    load(*AROUND_THE_LIMIT, mapping=mapping)
    flagged = rows(engine, SAID)
    load.undo(2)
    load.undo(1)
    load(*AROUND_THE_LIMIT, mapping=mapping)
    assert rows(engine, FLAGGED) == []
    load.registry(a_station(power_kw))
    assert rows(engine, SAID) == flagged
    assert_rollups_are_exact(engine, "UTC")
    assert_ledger_adds_up(engine)


def test_flags_follow_each_power_that_is_registered_and_taken_back(
    load: Loader, engine: sa.Engine
) -> None:
    load(*AROUND_THE_LIMIT)
    found = []
    for power_kw in (50, 10, 11.8, 5):
        load.registry(a_station(power_kw))
        found.append(rows(engine, FLAGGED))
    load.undo(5)
    found.append(rows(engine, FLAGGED))
    assert found == [
        [],
        ["S1", "S2", "S3", "S4", "S5"],
        ["S5"],
        ["S1", "S2", "S3", "S4", "S5"],
        ["S5"],
    ]
    assert_rollups_are_exact(engine, "UTC")


def test_a_flag_that_changes_is_a_correction_and_what_stays_is_left_alone(
    load: Loader, engine: sa.Engine
) -> None:
    load.registry(a_station(50))
    load(a_charge("S1", 11, 59), a_charge("S2", 1, 59))
    load.registry(a_station(10))
    revisions = "select source_session_id, revision from ev_session order by 1"
    assert rows(engine, revisions) == [("S1", 2), ("S2", 1)]
    log = """
        select sign, revision, quality_codes from ev_session_change
        where kind = 'correction' order by seq
    """
    assert rows(engine, log) == [(-1, 1, []), (1, 2, ["power_over_rating"])]
    load.registry(a_station(10, name="Another name"))
    assert rows(engine, revisions) == [("S1", 2), ("S2", 1)]


def test_what_a_stream_brought_is_judged_again_with_its_own_resolution(
    load: Loader, engine: sa.Engine
) -> None:
    deliveries = [Delivery(a_charge("S2", 6, 30)), Delivery(a_charge("S3", 2, 10))]
    with engine.begin() as connection:
        deliver(connection, load.settings, deliveries, TO_THE_MINUTE)
    load.registry(a_station(10.4))
    assert rows(engine, FLAGGED) == ["S2"]


def test_a_registered_station_is_unregistered_for_none_of_its_sessions(
    load: Loader, engine: sa.Engine
) -> None:
    load(a_charge("S1", 1, 59), a_charge("S7", 1, 59, station_id="B"))
    unregistered = """
        select source_session_id from ev_session where 'station_unregistered' = any(quality_codes)
    """
    assert sorted(rows(engine, unregistered)) == ["S1", "S7"]
    load.registry(a_station(22))
    assert rows(engine, unregistered) == ["S7"]
    load.undo(2)
    assert sorted(rows(engine, unregistered)) == ["S1", "S7"]


def test_a_session_that_is_put_back_is_flagged_by_the_power_of_today(
    load: Loader, engine: sa.Engine
) -> None:
    correcting = CANONICAL.model_copy(update={"has_corrections": True})
    load.registry(a_station(50))
    load(a_charge("S1", 11, 59))
    load(a_charge("S1", 1, 59), mapping=correcting)
    load.registry(a_station(10))
    before = lasting(engine)["ev_station"]
    assert rows(engine, FLAGGED) == []
    load.undo(3)
    assert rows(engine, FLAGGED) == ["S1"]
    assert lasting(engine)["ev_station"] == before
