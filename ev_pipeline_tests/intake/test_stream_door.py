"""What a stream brings is stored, counted by account, and told record by record."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.replay import replay
from ev_pipeline.settings import Settings
from ev_pipeline.storage.quarantine_queries import Selection
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    a_session,
    assert_rollups_are_exact,
    rows,
    unfinished,
)
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.streaming import RECEIVED_AT, Delivery, deliver

LEDGER = "select source, received, stored, duplicate, quarantined from ev_ledger order by source"


@pytest.fixture
def mixed(load: Loader) -> list[Delivery]:
    """Records of two accounts that meet each fate, after a file that has some of them."""
    load(a_session(session_id="S1"), a_session(session_id="S2", connector_id=None))
    later = a_session(session_id="S5", station_id="B", ended_at="2024-05-06T10:30:00Z")
    return [
        Delivery(a_session(session_id="S3", station_id="B")),
        Delivery(a_session(session_id="S1"), "charger-2"),
        Delivery(a_session(session_id="S2", energy_kwh=7), "charger-2"),
        Delivery(a_session(session_id="S4", energy_kwh=0, ended_at="x")),
        Delivery(unfinished(session_id="S1")),
        Delivery(b"no JSON"),
        Delivery({**later, "updated_at": "2024-05-06T11:00:00Z"}),
        Delivery({**later, "updated_at": "2024-05-06T12:00:00Z", "energy_kwh": 0.1}),
    ]


def test_every_record_is_told_what_became_of_it(
    engine: sa.Engine, settings: Settings, mixed: list[Delivery]
) -> None:
    with engine.begin() as connection:
        _, outcomes = deliver(connection, settings, mixed)
    told = [
        (one.ordinal, one.source_session_id, one.decision, one.revision, _codes(one.reasons))
        for one in outcomes
    ]
    assert told == [
        (0, "S3", "stored", 1, []),
        (1, "S1", "duplicate", None, []),
        (2, "S2", "quarantined", None, ["conflicts_with_stored"]),
        (3, "S4", "quarantined", None, ["bad_value", "no_energy"]),
        (4, None, "duplicate", None, []),
        (5, None, "quarantined", None, ["malformed"]),
        (6, "S5", "stored", None, []),
        (7, "S5", "updated", 2, []),
    ]
    assert outcomes[4].session_id == outcomes[1].session_id
    assert outcomes[7].warnings == ["under_0_5_kwh", "overlaps_same_connector"]
    assert outcomes[7].notes == ["station_unregistered"]
    stored = rows(
        engine, "select session_id::text from ev_session where door = 'stream' order by 1"
    )
    assert stored == sorted(str(outcomes[number].session_id) for number in (0, 7))


def _codes(reasons: list[dict[str, str]]) -> list[str]:
    return [reason["code"] for reason in reasons]


def test_the_ledger_counts_each_account(
    engine: sa.Engine, settings: Settings, mixed: list[Delivery]
) -> None:
    with engine.begin() as connection:
        tally, _ = deliver(connection, settings, mixed)
    assert tally.counts.received == len(mixed)
    assert rows(engine, LEDGER) == [
        ("canonical", 2, 2, 0, 0),
        ("charger-1", 6, 2, 1, 2),
        ("charger-2", 2, 0, 1, 1),
    ]
    assert rows(engine, "select count(*) from ev_load") == [1]
    assert rows(engine, "select count(*) from ev_quarantine_sighting") == [0]
    assert_rollups_are_exact(engine, settings.timezone)


def test_the_same_bytes_of_two_accounts_are_two_entries(
    engine: sa.Engine, settings: Settings
) -> None:
    late = RECEIVED_AT + timedelta(minutes=3)
    with engine.begin() as connection:
        deliver(
            connection,
            settings,
            [
                Delivery(b"?"),
                Delivery(b"?", "charger-2"),
                Delivery(b"?", received_at=late),
            ],
        )
    entries = "select origin, times_seen, first_seen_at, last_seen_at from ev_quarantine order by 1"
    assert rows(engine, entries) == [
        ("charger-1", 2, RECEIVED_AT, late),
        ("charger-2", 1, RECEIVED_AT, RECEIVED_AT),
    ]


def test_each_record_is_judged_and_kept_by_its_own_receipt(
    engine: sa.Engine, settings: Settings
) -> None:
    late = RECEIVED_AT + timedelta(hours=1)
    ends = {"started_at": "2024-05-07T11:00:00Z", "ended_at": "2024-05-07T12:50:00Z"}
    with engine.begin() as connection:
        _, outcomes = deliver(
            connection,
            settings,
            [
                Delivery(a_session(session_id="S1", **ends)),
                Delivery(a_session(session_id="S2", **ends), received_at=late),
            ],
        )
    assert [one.decision for one in outcomes] == ["quarantined", "stored"]
    assert rows(engine, "select source, received_at from ev_session") == [("charger-1", late)]


def test_several_jobs_share_a_transaction(engine: sa.Engine, settings: Settings) -> None:
    with engine.begin() as connection:
        deliver(connection, settings, [Delivery(a_session())])
        deliver(connection, settings, [Delivery(a_session(energy_kwh=7))], CORRECTING)
    assert rows(engine, "select revision, energy_kwh from ev_session") == [(2, 7.0)]


def test_sessions_of_several_messages_in_the_hour_that_exists_twice_are_all_stored(
    engine: sa.Engine, settings: Settings
) -> None:
    local = CANONICAL.model_copy(update={"zone": "Europe/London", "times_in": "Europe/London"})
    times = {"started_at": "2023-10-29T01:10:00", "ended_at": "2023-10-29T01:40:00"}
    with engine.begin() as connection:
        _, outcomes = deliver(
            connection,
            settings,
            [Delivery(a_session(session_id=f"S{n}", **times), f"charger-{n}") for n in (1, 2, 3)],
            local,
        )
    assert [one.decision for one in outcomes] == ["stored"] * 3
    assert rows(engine, "select source from ev_session order by 1") == [
        "charger-1",
        "charger-2",
        "charger-3",
    ]
    started = "select started_at at time zone 'UTC' from ev_session order by started_at"
    assert [at.hour for at in rows(engine, started)] == [0, 0, 1]


def test_what_a_stream_brought_is_replayed_as_what_it_was(
    engine: sa.Engine, settings: Settings
) -> None:
    strict = settings.model_copy(update={"max_energy_kwh": 10.0})
    enveloped = {"timestamp": 1715083200, "data": a_session(session_id="S2")}
    refused = [
        Delivery(a_session()),
        Delivery(json.dumps(enveloped).encode(), "charger-2"),
        Delivery(a_session(session_id="S3", energy_kwh=0)),
        Delivery(a_session(session_id="S4", energy_kwh=-1)),
    ]
    with engine.begin() as connection:
        deliver(connection, strict, refused)
    results = replay(engine, settings, Selection())
    assert sum(result.tally.counts.stored for result in results) == 2
    entries = "select origin, state, times_seen from ev_quarantine order by quarantine_id"
    assert sorted(rows(engine, entries)) == [
        ("charger-1", "open", 2),
        ("charger-1", "open", 2),
        ("charger-1", "resolved", 1),
        ("charger-2", "resolved", 1),
    ]
    assert rows(engine, "select source, door from ev_session order by 1") == [
        ("charger-1", "replay"),
        ("charger-2", "replay"),
    ]
    replay(engine, settings, Selection())
    assert [times for *_, times in sorted(rows(engine, entries))] == [3, 3, 1, 1]
