"""What has been kept for as long as the settings say goes; what came stays counted."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from ev_pipeline.automation.retention import retention
from ev_pipeline.automation.schedules import nightly_retention
from ev_pipeline.intake.retention import apply_retention
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.storage.habits import STATIONS, USERS, make_all
from ev_pipeline_tests.intake.files import (
    a_session,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    dump,
    rows,
)
from ev_pipeline_tests.intake.loader import Loader, counts
from ev_pipeline_tests.panels.panel_recounts import RECOUNTS, summary
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2024, 6, 6, 12, tzinfo=UTC)


def on(month: int, key: str, user_id: str | None, **changes: Any) -> dict[str, Any]:
    return a_session(
        **{
            "session_id": key,
            "user_id": user_id,
            "started_at": f"2024-{month:02}-06T08:00:00Z",
            "ended_at": f"2024-{month:02}-06T10:00:00Z",
            **changes,
        }
    )


FILE = [
    on(4, "S1", "long-gone"),
    on(4, "S2", "still-here", vehicle_model="Roadster"),
    on(6, "S3", "still-here", vehicle_model="Roadster"),
    on(4, "S4", "long-gone", energy_kwh=0),
    on(6, "S5", "still-here", energy_kwh=0),
    on(4, "S6", None, payment_method="card 4711"),
]


def keeping(settings: Settings, **days: int) -> Settings:
    return settings.model_copy(update={f"keep_{name}_days": n for name, n in days.items()})


def seen_at(engine: sa.Engine, key: str, moment: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("update ev_quarantine set last_seen_at = :at where source_session_id = :key"),
            {"at": moment, "key": key},
        )


@pytest.fixture
def filled(load: Loader, engine: sa.Engine) -> Loader:
    """Two users, and refused records that came in April and in June."""
    load(*FILE)
    seen_at(engine, "S4", "2024-04-06T12:00:00Z")
    seen_at(engine, "S5", "2024-06-05T12:00:00Z")
    make_all(engine, USERS)
    make_all(engine, STATIONS)
    return load


def test_by_default_everything_is_kept(filled: Loader, engine: sa.Engine) -> None:
    before = dump(engine)
    assert apply_retention(engine, filled.settings, NOW, by="clerk") == {}
    assert dump(engine) == before
    assert rows(engine, "select count(*) from ev_erasure") == [0]


def test_raw_bytes_go_and_their_entries_stay(filled: Loader, engine: sa.Engine) -> None:
    done = apply_retention(engine, keeping(filled.settings, raw=30), NOW, by="clerk")
    assert done == {"raw": 1}
    kept = "select source_session_id, raw is not null from ev_quarantine order by 1"
    assert rows(engine, kept) == [("S4", False), ("S5", True)]
    filled(*FILE)
    assert rows(engine, kept) == [("S4", True), ("S5", True)]
    assert rows(engine, "select kind, erased_by from ev_erasure") == [("retention", "clerk")]
    assert_ledger_adds_up(engine)


def test_entries_go_and_the_ledger_still_counts_them(filled: Loader, engine: sa.Engine) -> None:
    before = rows(engine, "select * from ev_ledger")
    done = apply_retention(engine, keeping(filled.settings, quarantine=30), NOW, by="clerk")
    assert done == {"quarantine": 1}
    assert rows(engine, "select source_session_id from ev_quarantine") == ["S5"]
    assert rows(engine, "select count(*) from ev_quarantine_sighting") == [1]
    assert rows(engine, "select * from ev_ledger") == before
    filled.undo(1)
    assert rows(engine, "select count(*) from ev_quarantine") == [0]


def test_sessions_of_long_ago_name_no_user(filled: Loader, engine: sa.Engine) -> None:
    settings = keeping(filled.settings, user_ids=30)
    done = apply_retention(engine, settings, NOW, by="clerk")
    assert (done["sessions"], done["raw_of_users"]) == (3, 1)
    said = """
        select source_session_id, user_id, vehicle_model, payment_method
        from ev_session order by 1
    """
    erased = [
        ("S1", None, None, None),
        ("S2", None, None, None),
        ("S3", "still-here", "Roadster", None),
        ("S6", None, None, None),
    ]
    assert rows(engine, said) == erased
    features = "select user_id, n_sessions from ev_user_features"
    assert rows(engine, features) == [("still-here", 1)]
    assert rows(engine, "select user_id, n_sessions from ev_rollup_user") == [("still-here", 1)]
    assert "long-gone" not in str(rows(engine, "select c::text from ev_session_change c"))
    filled.settings = settings
    assert counts(filled(*FILE)) == {"received": 6, "duplicate": 4, "quarantined": 2}
    assert rows(engine, said) == erased
    assert_rollups_are_exact(engine, "UTC")
    assert_ledger_adds_up(engine)
    assert RECOUNTS["summary"] is summary
    assert summary(Tables.read(engine, "UTC"))["n_users"] == 1
    assert not any(apply_retention(engine, settings, NOW, by="clerk").values())


def test_a_version_of_a_newer_release_outlives_a_night_in_which_nobody_goes(
    filled: Loader, engine: sa.Engine
) -> None:
    register(engine, 1)
    with engine.begin() as connection:
        connection.execute(sa.text("update ev_model set artifact = 'of another release'::bytea"))
    here_for_ever = keeping(filled.settings, user_ids=10_000)
    apply_retention(engine, here_for_ever, NOW, by="clerk")
    assert [bytes(each) for each in rows(engine, "select artifact from ev_model")] == [
        b"of another release"
    ]


def test_the_job_erases_and_is_due_where_a_setting_asks_for_it(
    filled: Loader, engine: sa.Engine
) -> None:
    settings = keeping(filled.settings, user_ids=30)
    with dg.DagsterInstance.ephemeral() as instance:
        done = retention.execute_in_process(
            resources={"database": Database(url=settings.database_url), "settings": settings},
            instance=instance,
        )
    assert done.success
    named = "select count(*) from ev_session where user_id is not null"
    assert rows(engine, named) == [0]
    assert nightly_retention(settings).default_status is dg.DefaultScheduleStatus.RUNNING
    off = nightly_retention(filled.settings)
    assert off.default_status is dg.DefaultScheduleStatus.STOPPED
