"""What was exported comes back: as duplicates into the same database, the same into another."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping, parse_mapping
from ev_pipeline.stack.credentials import OWNER
from ev_pipeline.storage.engine import connect
from ev_pipeline_tests.conftest import PostgresServer
from ev_pipeline_tests.exports.cdr_rules import PARTY, assert_cdr
from ev_pipeline_tests.exports.stores import export_cdrs, export_csv, identities, load
from ev_pipeline_tests.intake.files import a_session, rows, write_sessions
from ev_pipeline_tests.intake.streaming import RECEIVED_AT, Delivery, deliver
from ev_pipeline_tests.real_data import real_file

SAMPLE = Path(__file__).parents[2] / "data"
DUNDEE = [("dundee_stations", "cp-locations.csv"), ("dundee", "cpdata.csv")]
WORKPLACES = [("asensio_workplace", "station_data_dataverse.csv")]
SHIPPED = [("canonical_stations", "stations.csv"), ("canonical", "sessions.csv")]


N_JUDGED = 500
"""CDRs that are held against every rule, evenly over time: all would take most of the test."""


@contextmanager
def empty_database(server: PostgresServer) -> Iterator[sa.Engine]:
    name = f"other_{uuid4().hex}"
    server.copy_database(name)
    engine = connect(Settings(database_url=server.url(OWNER.role, name)))
    try:
        yield engine
    finally:
        engine.dispose()
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def settings_of(settings: Settings, scope: str) -> Settings:
    return settings.model_copy(update={**PARTY, "operator": scope})


@pytest.mark.parametrize(
    ("scope", "resolution_s", "files"),
    [
        pytest.param("dundee", 60, DUNDEE, marks=pytest.mark.long),
        ("asensio_workplace", 1, WORKPLACES),
        pytest.param("default", 1, SHIPPED, marks=pytest.mark.long),
    ],
)
def test_real_sets_and_the_sample_come_back_by_both_formats(
    engine: sa.Engine,
    settings: Settings,
    migrated: PostgresServer,
    tmp_path: Path,
    scope: str,
    resolution_s: float,
    files: list[tuple[str, str]],
) -> None:
    ours = settings_of(settings, scope)
    for source, name in files:
        path = SAMPLE / name if scope == "default" else real_file(scope, name)
        load(engine, ours, source, path)
    n_stored = rows(engine, "select count(*) from ev_session")[0]
    assert export_csv(engine, tmp_path / "sessions.csv") == n_stored
    n_cdrs, refused = export_cdrs(engine, ours, tmp_path / "cdrs.json")
    cdrs = json.loads((tmp_path / "cdrs.json").read_text())
    assert len(cdrs) == n_cdrs == n_stored - refused.total()
    assert len({cdr["id"] for cdr in cdrs}) == n_cdrs > 1000
    for cdr in cdrs[:: max(1, n_cdrs // N_JUDGED)]:
        assert_cdr(cdr, resolution_s=resolution_s)
    billable = """
        cost is not null and currency is not null
        and not 'charging_longer_than_session' = any(quality_codes)
    """
    known = identities(engine, billable)
    assert len(known) == n_cdrs
    again = {"received": n_cdrs, "duplicate": n_cdrs}
    assert load(engine, ours, "ocpi_cdr", tmp_path / "cdrs.json") == again
    everything = {"received": n_stored, "duplicate": n_stored}
    assert load(engine, ours, "canonical", tmp_path / "sessions.csv") == everything
    with empty_database(migrated) as other:
        fresh = load(other, ours, "ocpi_cdr", tmp_path / "cdrs.json")
        assert fresh == {"received": n_cdrs, "stored": n_cdrs}
        assert identities(other) == known


HOSTILE = [
    a_session(session_id="own"),
    a_session(session_id="=cmd|'/C'!A0", station_id='@"A",\nB', user_id="'+1", connector_id=None),
    a_session(session_id="\u00fc" * 40, station_id="L" * 36, user_id="-5", cost=1e-7),
    a_session(session_id=None, started_at="2024-05-01T08:00:00.123456Z", cost=0),
    a_session(
        session_id=None, connector_id=None, started_at="2024-05-02T08:00:00Z", cost=1 / 3,
        charging_duration_h=0.1 + 0.2, max_power_kw=1e2, user_id=None,
        updated_at="2024-05-07T08:00:00.999999Z", stop_reason="a;b\r\nc", temperature_c=-3.5,
    ),
]  # fmt: skip
"""Texts that mean something elsewhere, ids that fit nowhere, no ids, every digit of a number."""


TIMELESS = parse_mapping(
    """
    name = "timeless"
    title = "Sessions without times"
    records = "session"

    [file]
    format = "json"

    [fields]
    station_id = "station"
    ended_at = { receipt = true }
    started_at = { end_minus = "hours" }
    energy_kwh = "kwh"
    cost = "cost"
    currency = { value = "EUR" }
    """,
    where="timeless",
)
TIMELESS_RECORD = {"station": "A", "hours": 2, "kwh": 12.5, "cost": 3}


def priced(session: dict[str, Any]) -> dict[str, Any]:
    return {"cost": 4.2, "currency": "EUR", **session}


@pytest.fixture
def hostile(engine: sa.Engine, settings: Settings, tmp_path: Path) -> Settings:
    """Stored: such sessions, one known by its start and end, and one by its delivery."""
    ours = settings_of(settings, "default")
    path = write_sessions(tmp_path / "hostile.json", [priced(one) for one in HOSTILE])
    assert load(engine, ours, "canonical", path) == {"received": 5, "stored": 5}
    with_end = load_mapping("canonical").model_copy(update={"key_has_end": True})
    start = RECEIVED_AT - timedelta(days=1)
    keyed = priced(
        a_session(session_id=None, started_at=start.isoformat(), ended_at=RECEIVED_AT.isoformat())
    )
    with engine.begin() as connection:
        for record, mapping in ((TIMELESS_RECORD, TIMELESS), (keyed, with_end)):
            tally, _ = deliver(connection, ours, [Delivery(record)], mapping)
            assert tally.counts.stored == 1, tally
    return ours


def test_whatever_a_session_says_and_however_it_is_known_it_comes_back_as_itself(
    engine: sa.Engine, hostile: Settings, migrated: PostgresServer, tmp_path: Path
) -> None:
    known = identities(engine)
    assert export_csv(engine, tmp_path / "sessions.csv") == 7
    assert load(engine, hostile, "canonical", tmp_path / "sessions.csv") == {
        "received": 7,
        "duplicate": 7,
    }
    number, refused = export_cdrs(engine, hostile, tmp_path / "cdrs.json")
    assert (number, dict(refused)) == (
        6,
        {("cdr_location.id", "the station's id is no 36 letters of ASCII"): 1},
    )
    cdrs = json.loads((tmp_path / "cdrs.json").read_text())
    for cdr in cdrs:
        assert_cdr(cdr)
    assert load(engine, hostile, "ocpi_cdr", tmp_path / "cdrs.json") == {
        "received": 6,
        "duplicate": 6,
    }
    with engine.begin() as connection:
        tally, _ = deliver(
            connection, hostile, [Delivery(cdr) for cdr in cdrs], load_mapping("ocpi_cdr")
        )
    assert tally.counts.duplicate == 6
    assert identities(engine) == known
    with empty_database(migrated) as other:
        fresh = load(other, hostile, "canonical", tmp_path / "sessions.csv")
        assert fresh == {"received": 7, "stored": 7}
        by_place = "source_session_id is null and not 'time_assigned' = any(quality_codes)"
        assert identities(other, by_place) == identities(engine, by_place)
        again = load(other, hostile, "canonical", tmp_path / "sessions.csv")
        assert again == {"received": 7, "duplicate": 7}


def test_nobody_reaches_another_operators_session_by_its_id_here(
    engine: sa.Engine, hostile: Settings, tmp_path: Path
) -> None:
    theirs = rows(engine, "select session_id::text from ev_session where source_session_id is null")
    foreign = [
        priced(a_session(session_id=one, energy_kwh=999, updated_at="2024-05-08T00:00:00Z"))
        for one in theirs
    ]
    path = write_sessions(tmp_path / "foreign.json", foreign)
    before = identities(engine, "scope = 'default'")
    other = hostile.model_copy(update={"operator": "other"})
    assert load(engine, other, "canonical", path) == {"received": 4, "stored": 4}
    assert identities(engine, "scope = 'default'") == before
