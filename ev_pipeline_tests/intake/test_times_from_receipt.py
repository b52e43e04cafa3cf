"""Sessions whose times come from receipt: known by their delivery, timed by the first one."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.replay import replay
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.storage.quarantine_queries import Selection
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.intake.loader import counts
from ev_pipeline_tests.intake.streaming import RECEIVED_AT, Delivery, deliver

TIMELESS = parse_mapping(
    """
    name = "timeless"
    title = "Sessions without times"
    records = "session"

    [fields]
    station_id = "station"
    ended_at = { receipt = true }
    started_at = { end_minus = "hours" }
    energy_kwh = "kwh"
    """,
    where="timeless",
)
RECORD = {"station": "A", "hours": 2, "kwh": 12.5}
SPANS = "select started_at, ended_at from ev_session"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three rows, two of them alike."""
    path = tmp_path / "timeless.csv"
    path.write_text("station,hours,kwh\nA,2,12.5\nA,2,12.5\nA,2,400\n", encoding="utf-8")
    return path


def test_a_file_without_times_stores_nothing_the_second_time(
    engine: sa.Engine, settings: Settings, file: Path
) -> None:
    first = load_file(engine, settings, TIMELESS, file)
    assert counts(first) == {"received": 3, "stored": 2, "duplicate": 1}
    spans = rows(engine, SPANS)
    assert counts(load_file(engine, settings, TIMELESS, file)) == {"received": 3, "duplicate": 3}
    assert rows(engine, SPANS) == spans


@pytest.mark.parametrize("by_replay", [True, False])
def test_times_are_those_of_the_first_delivery_also_of_a_record_refused_then(
    engine: sa.Engine, settings: Settings, file: Path, *, by_replay: bool
) -> None:
    strict = settings.model_copy(update={"max_energy_kwh": 300.0})
    load_file(engine, strict, TIMELESS, file)
    if by_replay:
        replay(engine, settings, Selection())
    else:
        load_file(engine, settings, TIMELESS, file)
    (first_seen_at,) = rows(engine, "select first_seen_at from ev_quarantine")
    late = rows(engine, f"{SPANS} where energy_kwh = 400")
    assert late == [(first_seen_at - timedelta(hours=2), first_seen_at)]


@pytest.mark.parametrize(
    ("second", "n_sessions"),
    [
        (Delivery(RECORD, delivery_id="m1"), 1),
        (Delivery(RECORD | {"kwh": 12.50}, delivery_id="m1"), 1),
        (Delivery(RECORD, delivery_id="m2"), 2),
        (Delivery(RECORD, "charger-2", delivery_id="m1"), 2),
        (Delivery(RECORD), 2),
    ],
)
def test_a_delivery_is_known_by_account_and_message(
    engine: sa.Engine, settings: Settings, second: Delivery, n_sessions: int
) -> None:
    with engine.begin() as connection:
        deliver(connection, settings, [Delivery(RECORD, delivery_id="m1")], TIMELESS)
    with engine.begin() as connection:
        deliver(connection, settings, [second], TIMELESS)
    assert rows(engine, "select count(*) from ev_session") == [n_sessions]


def test_a_message_without_an_id_is_known_by_its_bytes(
    engine: sa.Engine, settings: Settings
) -> None:
    for hour in range(2):
        received_at = RECEIVED_AT + timedelta(hours=hour)
        with engine.begin() as connection:
            deliver(connection, settings, [Delivery(RECORD, received_at=received_at)], TIMELESS)
    assert rows(engine, SPANS) == [(RECEIVED_AT - timedelta(hours=2), RECEIVED_AT)]
