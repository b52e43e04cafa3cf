"""Who is forgotten is nowhere, and nothing brings them back; all else is as it was."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.assets.features import _merged_batches
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import content_hash
from ev_pipeline.intake.forget import forget_user
from ev_pipeline.intake.replay import replay
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.settings import Settings
from ev_pipeline.storage.features import replace_session_features
from ev_pipeline.storage.habits import STATIONS, USERS, make_all
from ev_pipeline.storage.loads import share_ground
from ev_pipeline.storage.promotion import promote, read_champion_bundle
from ev_pipeline.storage.quarantine_queries import Selection
from ev_pipeline.storage.registry import ModelPart, save_part
from ev_pipeline.storage.rollups import compact
from ev_pipeline_tests.intake.files import (
    CORRECTING,
    a_session,
    assert_rollups_are_exact,
    dump,
    rows,
    unfinished,
)
from ev_pipeline_tests.intake.loader import Loader, counts
from ev_pipeline_tests.intake.searching import files_with, tables_with
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.panels.panel_recounts import RECOUNTS
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.panels.same import assert_same
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.trained import artifact_of, register

WHO = "Zoë-0815.driver"
CAR = "Nobody's Roadster"
NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)


def theirs(**changes: Any) -> dict[str, Any]:
    told = {
        "user_id": WHO,
        "vehicle_model": CAR,
        "battery_capacity_kwh": 61.5,
        "payment_method": "card 4711",
    }
    return a_session(**{**told, **changes})


def at(hour: int, **changes: Any) -> dict[str, Any]:
    """A session in an hour of its own."""
    times = {
        "session_id": f"S{hour}",
        "started_at": f"2024-05-06T{hour:02}:00:00Z",
        "ended_at": f"2024-05-06T{hour:02}:40:00Z",
    }
    return theirs(**{**times, **changes})


FIRST = [
    at(1),
    at(2, energy_kwh=3),
    a_session(user_id="other"),
    at(3, energy_kwh=0),
    at(4, energy_kwh=-1, vehicle_age_years="old " + WHO),
    {"session_id": "broken", "remark": WHO},
    unfinished(session_id="S5", user_id=WHO),
    at(6, energy_kwh=0, user_id="other", vehicle_model=None, remark=f"fetched by {WHO}"),
    at(7, energy_kwh=0, user_id="other", vehicle_model=None, payment_method=None),
]
CORRECTED = [at(2, energy_kwh=4), theirs(session_id="S1", station_id="B")]
STREAMED = [
    Delivery(at(8)),
    Delivery(at(9, energy_kwh=0)),
    Delivery(b'{"user_id": "' + WHO.encode()),
    Delivery(rb'{"user_id":"Zo\u00eb-0815.driver'),
]


@pytest.fixture
def filled(load: Loader, engine: sa.Engine) -> Loader:
    """A user in all that intake writes."""
    folder = load.folder / WHO
    folder.mkdir()
    load.folder = folder
    load(*FIRST)
    load(*CORRECTED, mapping=CORRECTING)
    with engine.begin() as connection:
        deliver(connection, load.settings, STREAMED)
    compact(engine, load.settings)
    load(at(10))
    make_all(engine, USERS)
    make_all(engine, STATIONS)
    replace_session_features(engine, _merged_batches(engine))
    return load


def forget(load: Loader, user_id: str = WHO, **changes: Any) -> dict[str, int]:
    done = forget_user(
        load.engine, load.settings, user_id, **{"scope": "default", "by": "clerk", **changes}
    )
    return {name: n for name, n in done.counts.items() if n}


def assert_panels_are_a_recount(engine: sa.Engine, settings: Settings) -> None:
    tables = Tables.read(engine, settings.timezone)
    panels = build_round(engine, settings, [*RECOUNTS], generated_at=NOW)
    for name, recount in RECOUNTS.items():
        assert_same(panels[name]["data"], recount(tables), name)


def test_nothing_tells_of_who_is_forgotten(filled: Loader, engine: sa.Engine) -> None:
    where = tables_with(engine, WHO)
    assert "ev_load" in where
    assert {"ev_session", "ev_session_change", "ev_session_history", "ev_quarantine"} < {*where}
    assert {"ev_user_features", "ev_session_features", "ev_rollup_user"} < {*where}
    before = rows(engine, "select sum(energy_kwh), count(*) from ev_session")
    found = forget(filled)
    assert tables_with(engine, WHO) == tables_with(engine, CAR) == []
    assert tables_with(engine, "card 4711") == []
    assert files_with(filled.settings.home, WHO) == []
    assert found["sessions"] == 4
    assert rows(engine, "select sum(energy_kwh), count(*) from ev_session") == before
    kept = "select source_session_id from ev_quarantine where raw is not null order by 1"
    assert rows(engine, kept) == ["S1", "S7"]  # another user's
    assert_rollups_are_exact(engine, "UTC")
    assert_panels_are_a_recount(engine, filled.settings)


def test_a_record_is_kept_of_it_and_not_of_whom(filled: Loader, engine: sa.Engine) -> None:
    found = forget(filled)
    (kind, scope, by, counted) = rows(
        engine, "select kind, scope, erased_by, counts from ev_erasure"
    )[0]
    assert (kind, scope, by) == ("forget", "default", "clerk")
    assert {name: n for name, n in counted.items() if n} == found
    assert [len(user_hash) for user_hash in rows(engine, "select user_hash from ev_forgotten_user")]
    key = filled.settings.home / "credentials" / "user-ids.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_an_old_file_brings_nobody_back(filled: Loader, engine: sa.Engine) -> None:
    forget(filled)
    before = dump(engine)
    entries = rows(engine, "select count(*) from ev_quarantine")
    again = [filled(*FIRST), filled(*CORRECTED, mapping=CORRECTING), filled(at(10))]
    assert [counts(result).get("stored", 0) for result in again] == [0, 0, 0]
    assert [counts(result).get("updated", 0) for result in again] == [0, 0, 0]
    with engine.begin() as connection:
        deliver(connection, filled.settings, STREAMED)
    assert rows(engine, "select count(*) from ev_quarantine") == entries
    after = dump(engine)
    for table in ("ev_session", "ev_session_history", "ev_session_change", "ev_rollup_user"):
        assert after[table] == before[table]
    assert tables_with(engine, WHO) == ["ev_load"]  # in the name of the file


def test_what_comes_later_is_stored_without_the_user(filled: Loader, engine: sa.Engine) -> None:
    forget(filled)
    new = [at(11, battery_capacity_kwh=1), at(12, energy_kwh=0), a_session(session_id="S13")]
    assert counts(filled(*new)) == {"received": 3, "stored": 2, "quarantined": 1}
    with engine.begin() as connection:
        deliver(connection, filled.settings, [Delivery(at(14))])
    said = """
        select source_session_id, user_id, vehicle_model, battery_capacity_kwh, payment_method,
            'energy_over_battery' = any(quality_codes)
        from ev_session where source_session_id in ('S11', 'S13', 'S14') order by 1
    """
    assert rows(engine, said) == [
        ("S11", None, None, None, None, True),
        ("S13", "U", None, None, None, False),
        ("S14", None, None, None, None, False),
    ]
    assert tables_with(engine, WHO) == ["ev_load"]  # in the name of the file
    assert tables_with(engine, CAR) == []


def test_an_entry_that_waits_for_its_mend_comes_back_without_the_user(
    filled: Loader, engine: sa.Engine
) -> None:
    strict = filled.settings.model_copy(update={"max_energy_kwh": 10.0})
    filled.settings = strict
    filled(at(15), at(16, user_id="other"))
    forget(filled)
    mended = strict.model_copy(update={"max_energy_kwh": 100.0})
    (result, *_) = replay(engine, mended, Selection(code="energy_over_1000_kwh"))
    assert counts(result) == {"received": 1, "stored": 1}
    states = "select source_session_id, state from ev_quarantine where session_id is not null"
    assert {("S15", "open"), ("S16", "resolved")} <= {*rows(engine, states)}


def test_to_forget_again_changes_nothing(filled: Loader, engine: sa.Engine) -> None:
    forget(filled)
    before = dump(engine)
    assert forget(filled) == {}
    assert dump(engine) == before
    assert rows(engine, "select count(*) from ev_forgotten_user") == [1]


def test_a_trial_says_the_same_and_changes_nothing(filled: Loader, engine: sa.Engine) -> None:
    before = dump(engine)
    tried = forget(filled, dry_run=True)
    assert dump(engine) == before
    assert rows(engine, "select count(*) from ev_user_key") == [0]
    assert not (filled.settings.home / "credentials").exists()
    assert forget(filled) == tried


def test_another_operators_user_of_the_same_name_stays(filled: Loader, engine: sa.Engine) -> None:
    before = dump(engine)
    assert forget(filled, scope="another") == {}
    assert dump(engine) == before


def test_a_load_that_is_taken_back_brings_nobody_back(filled: Loader, engine: sa.Engine) -> None:
    forget(filled)
    filled.undo(2)
    assert tables_with(engine, WHO) == []
    assert_rollups_are_exact(engine, "UTC")
    assert_panels_are_a_recount(engine, filled.settings)


@pytest.mark.parametrize("is_corrected", [True, False])
def test_features_of_sessions_that_are_the_users_no_more_go_too(
    load: Loader, engine: sa.Engine, *, is_corrected: bool
) -> None:
    load(at(1))
    make_all(engine, USERS)
    make_all(engine, STATIONS)
    replace_session_features(engine, _merged_batches(engine))
    if is_corrected:
        load(at(1, user_id="other"), mapping=CORRECTING)
    else:
        load.undo(1)
    found = forget(load)
    assert found["user_features"] == found["session_features"] == 1
    assert tables_with(engine, WHO) == []


def test_who_waits_for_a_load_is_told_so(
    load: Loader, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(at(1))
    monkeypatch.setattr("ev_pipeline.intake.forget.COMMAND_WAIT_S", 1.0)
    with engine.begin() as loading:
        share_ground(loading)
        with pytest.raises(PipelineError, match="a load goes on; waited 1 s"):
            forget(load)
    assert forget(load)["sessions"] == 1


def test_a_short_id_is_no_part_of_a_files_name(load: Loader, engine: sa.Engine) -> None:
    load.folder = load.folder / "2024-01-05"
    load.folder.mkdir()
    load(at(1, user_id="01"))
    assert "loads" not in forget(load, "01")
    assert rows(engine, "select path like '%/2024-01-05/%' from ev_load") == [True]


def test_without_the_key_nothing_is_stored_that_could_bring_somebody_back(
    filled: Loader, engine: sa.Engine
) -> None:
    forget(filled)
    key = filled.settings.home / "credentials" / "user-ids.key"
    text = key.read_text()
    key.unlink()
    with pytest.raises(PipelineError, match="cannot be read"):
        filled(at(20))
    key.write_text("0" * 64)
    with pytest.raises(PipelineError, match="not the one that this database goes by"):
        filled(at(20))
    key.write_text(text)
    assert counts(filled(at(20))) == {"received": 1, "stored": 1}


def test_what_is_not_folded_yet_is_never_folded(filled: Loader, engine: sa.Engine) -> None:
    with engine.connect() as reader:
        reader.execute(sa.text("select pg_current_xact_id()"))
        filled(at(21))
        forget(filled)
        assert tables_with(engine, WHO) == []
        assert_panels_are_a_recount(engine, filled.settings)
    compact(engine, filled.settings)
    assert rows(engine, "select user_id from ev_rollup_user") == []
    assert_panels_are_a_recount(engine, filled.settings)


def test_models_forget_the_user_and_say_of_others_what_they_said(
    engine: sa.Engine, settings: Settings
) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions())
    versions = [register(engine, seed) for seed in (1, 2)]
    promote(engine, versions[1], reason="first", promoted_at=NOW)
    who = _with_most_sessions()
    labels = """
        select s.user_id = :who, l.model_version, l.session_id, l.kmeans_cluster, l.dbscan_cluster,
            l.anomaly_score, l.is_anomaly, l.anomaly_reasons
        from ev_session s join ev_session_label l
            on l.session_id = s.session_id and l.session_revision = s.revision
        order by 3
    """
    before = rows(engine, labels, who=who)
    knew = read_champion_bundle(engine)
    done = forget_user(engine, settings, who, scope="sample", by="clerk")
    assert done.counts["models"] == 2
    assert done.counts["sessions"] == done.counts["labels"] == sum(bool(row[0]) for row in before)
    after = rows(engine, labels, who=who)
    assert len(after) == len(before)
    others = {row[2]: row[1:] for row in before if not row[0]}
    assert {row[2]: row[1:] for row in after if row[2] in others} == others
    habits = [
        reason["code"]
        for row in after
        if row[2] not in others
        for reason in row[7]
        if reason["code"].endswith("_for_user")
    ]
    assert habits == []
    knows = read_champion_bundle(engine)
    assert knew is not None
    assert knows is not None
    keys = [bundle.anomalies.expectations.user_keys for bundle in (knew, knows)]
    (gone,) = {*keys[0].tolist()} - {*keys[1].tolist()}
    assert len(keys[0]) == len(keys[1]) + 1
    artifacts = rows(engine, "select artifact from ev_model")
    written = int(gone).to_bytes(8, sys.byteorder)
    assert written in artifact_of(1)
    assert not any(written in bytes(artifact) for artifact in artifacts)


def test_a_part_of_a_training_that_nobody_can_read_holds_up_no_forgetting(
    load: Loader, engine: sa.Engine
) -> None:
    part = ModelPart("isolation_forest", {}, {}, b"half", content_hash(b"half"), NOW)
    with engine.begin() as connection:
        save_part(connection, "interrupted", part)
    assert forget(load) == {"models": 1}
    assert [bytes(each) for each in rows(engine, "select artifact from ev_model_part")] == [b""]
    assert forget(load) == {}


def _with_most_sessions() -> str:
    named = sample_sessions().filter(pl.col("user_id").is_not_null())
    return str(named["user_id"].value_counts(sort=True)["user_id"][0])


def test_the_command_asks_first_and_answers_in_json(
    filled: Loader, engine: sa.Engine, environment: dict[str, str]
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ev_pipeline.cli.main", "forget", *words],
            env=environment,
            input=f"{WHO}\n",
            capture_output=True,
            text=True,
            check=False,
        )

    refused = run(WHO)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--yes" in refused.stderr
    tried = json.loads(run("-", "--dry-run", "--json").stdout)
    assert (tried["sessions"], tried["dry_run"], tried["is_new"]) == (4, True, True)
    assert "ev_session" in tables_with(engine, WHO)
    done = json.loads(run("-", "--yes", "--json").stdout)
    assert done == {**tried, "dry_run": False}
    assert tables_with(engine, WHO) == []
    assert files_with(filled.settings.home, WHO) == []
    slipped = run("-", "--dry-run", "--scope", "defualt")
    assert (slipped.returncode, slipped.stdout) == (1, "")
    assert "there is no operator 'defualt'; name one of: default" in slipped.stderr
    again = run("-", "--yes")
    assert again.returncode == 0
    assert "forgotten as before" in again.stderr


def test_a_user_of_another_operator_is_not_forgotten_in_silence(
    load: Loader, engine: sa.Engine, environment: dict[str, str]
) -> None:
    load(at(1))
    done = forget_user(engine, load.settings, WHO, scope="another", by="clerk")
    assert done.elsewhere == ["default"]
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "forget", WHO, "--dry-run"]
    elsewhere = {**environment, "EV_OPERATOR": "another"}
    told = subprocess.run(command, env=elsewhere, capture_output=True, text=True, check=True)
    assert "a user of that name is known to default" in told.stderr
    assert forget_user(engine, load.settings, WHO, scope="default", by="clerk").elsewhere == []
