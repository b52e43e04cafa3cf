"""What is said of sessions that nobody has sent yet."""

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from ev_pipeline.intake.prediction import predict
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import Message
from ev_pipeline.storage.loads import own_stations
from ev_pipeline.storage.promotion import promote
from ev_pipeline.storage.registry import read_artifact
from ev_pipeline.stream.champion import Champion
from ev_pipeline_tests.intake.files import a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.trained import register

WITHIN_S = 30

NOW = datetime(2024, 5, 6, 10, 1, tzinfo=UTC)


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    """A champion that has labelled nothing."""
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    return version


def ask(engine: sa.Engine, settings: Settings, *sessions: dict[str, Any]) -> list[dict[str, Any]]:
    question = Message(json.dumps(sessions).encode(), "asker", NOW)
    answer = predict(engine, settings, question, Champion(engine).for_transaction)
    told: list[dict[str, Any]] = answer["predictions"]
    return told


def arrays(packed: bytes) -> dict[str, Any]:
    """The arrays of an artifact, without our own reader."""
    with np.load(io.BytesIO(packed)) as archive:
        return dict(archive)


def distances_by_hand(engine: sa.Engine, version: str, session: dict[str, Any]) -> list[float]:
    """From the session's view to each centre of the version."""
    with engine.connect() as connection:
        kmeans = arrays(arrays(read_artifact(connection, version))["kmeans"].tobytes())
    started, ended = (datetime.fromisoformat(session[at]) for at in ("started_at", "ended_at"))
    duration_h = (ended - started).total_seconds() / 3600
    angle = 2 * np.pi * (started.hour + started.minute / 60 + started.second / 3600) / 24
    energy_kwh = session["energy_kwh"]
    logs = np.log([duration_h, energy_kwh, energy_kwh / duration_h])
    held = np.clip(logs, kmeans["view_low"], kmeans["view_high"])
    view = np.array([np.sin(angle), np.cos(angle), *held])
    scaled = (view - kmeans["view_centre"]) / kmeans["view_scale"]
    return sorted(float(each) for each in np.linalg.norm(kmeans["centres"] - scaled, axis=1))


def test_distances_are_those_to_the_two_nearest_centres_in_the_models_view(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    sessions = [
        a_session(
            session_id=f"S{number}",
            connector_id=str(number),
            started_at=f"2024-05-0{1 + number % 5}T{number % 8:02}:13:00+00:00",
            ended_at=f"2024-05-0{1 + number % 5}T{8 + number % 15:02}:40:07+00:00",
            energy_kwh=0.5 + number * 1.7,
        )
        for number in range(50)
    ]
    for session, told in zip(sessions, ask(engine, settings, *sessions), strict=True):
        nearest = distances_by_hand(engine, champion, session)[:2]
        assert [told["distance"], told["next_distance"]] == pytest.approx(nearest, rel=1e-9)
        assert told["kmeans_cluster"] != told["next_cluster"]


def test_a_stations_power_rating_counts(
    engine: sa.Engine, settings: Settings, load: Loader, champion: str
) -> None:
    assert champion
    load.registry({"station_id": "A", "connectors": 2, "power_kw": 3.0})
    flagged, other = ask(
        engine, settings, a_session(), a_session(session_id="S2", station_id="elsewhere")
    )
    assert flagged["quality_codes"] == ["power_over_rating"]
    assert flagged["is_anomaly"]
    assert flagged["anomaly_reasons"][0]["code"] == "power_over_rating"
    assert other["quality_codes"] == ["station_unregistered"]


def test_a_session_that_would_be_refused_has_its_reasons(
    engine: sa.Engine, settings: Settings, load: Loader, champion: str
) -> None:
    assert champion
    load(a_session())
    conflict, negative = ask(
        engine, settings, a_session(energy_kwh=50), a_session(session_id="S2", energy_kwh=-1)
    )
    for told, code in ((conflict, "conflicts_with_stored"), (negative, "no_energy")):
        assert [reason["code"] for reason in told["reasons"]] == [code]
        assert all(reason["message"] for reason in told["reasons"])
        assert "kmeans_cluster" not in told


def test_a_session_that_is_stored_is_told_as_what_it_is(
    engine: sa.Engine, settings: Settings, load: Loader, champion: str
) -> None:
    assert champion
    [before] = ask(engine, settings, a_session())
    load(a_session())
    [after] = ask(engine, settings, a_session())
    assert [before.pop("decision"), after.pop("decision")] == ["stored", "duplicate"]
    assert before == after


def test_a_question_changes_no_table(
    engine: sa.Engine, settings: Settings, load: Loader, champion: str
) -> None:
    assert champion
    load(a_session(), a_session(session_id="S2", energy_kwh=-1))
    before = contents(engine)
    ask(
        engine,
        settings,
        *(a_session(energy_kwh=20, updated_at="2024-05-06T11:00:00Z"), a_session(session_id="S3")),
        *(a_session(session_id="S4", station_id="B"), a_session(session_id="S5", energy_kwh=0)),
    )
    assert contents(engine) == before


def test_a_question_and_whoever_changes_models_do_not_wait_for_each_other(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as erasing:
            own_stations(erasing)
            asked = pool.submit(ask, engine, settings, a_session())
            wait_until(lambda: rows(engine, waits) == [1], within_s=WITHIN_S)
            erasing.execute(sa.text("set local lock_timeout = '1ms'"))
            changed = sa.text("update ev_model set measures = measures where version = :version")
            assert erasing.execute(changed, {"version": champion}).rowcount == 1
        assert len(asked.result(WITHIN_S)) == 1


def contents(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table, but of models."""
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text(
                "select tablename from pg_tables where schemaname = 'public'"
                " and tablename like 'ev\\_%' and tablename <> 'ev_model'"
            )
        ).scalars()
        return {
            table: sorted(
                connection.execute(sa.text(f"select {table}::text from {table}")).scalars()
            )
            for table in list(tables)
        }


def run(
    environment: dict[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "predict", *words]
    narrow = {**environment, "COLUMNS": "80"}
    return subprocess.run(
        command, env=narrow, input=given, capture_output=True, text=True, check=False
    )


def test_the_command_tells_people_and_programs_the_same(
    environment: dict[str, str], tmp_path: Path, champion: str
) -> None:
    sessions = [a_session(), a_session(session_id="S2", energy_kwh=-1)]
    file = tmp_path / "sessions.json"
    file.write_text(json.dumps(sessions))
    programs = run(environment, str(file), "--json")
    assert (programs.returncode, programs.stderr) == (0, "")
    answer = json.loads(programs.stdout)
    people = run(environment, "-", given=json.dumps(sessions))
    assert (people.returncode, people.stderr) == (0, "")
    lines = people.stdout.splitlines()
    stored, refused = answer["predictions"]
    assert lines[0] == f"S1, {stored['session_id']}"
    assert lines[1].split() == ["would", "be", "stored"]
    assert f"{stored['distance']:.2f}" in people.stdout
    second = lines.index(f"S2, {refused['session_id']}")
    assert lines[second + 1].split() == ["would", "be", "quarantined"]
    assert lines[second + 2].split(maxsplit=1) == ["because", refused["reasons"][0]["message"]]
    assert champion in people.stdout


def test_the_command_says_in_one_line_why_it_cannot_answer(
    environment: dict[str, str], tmp_path: Path
) -> None:
    unknown = run(environment, str(tmp_path / "none.json"))
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "none.json: cannot be read" in unknown.stderr
    unlabelled = run(environment, "-", "--json", given=json.dumps(a_session()))
    assert (unlabelled.returncode, unlabelled.stdout) == (1, "")
    assert "no model is the champion; train one" in unlabelled.stderr
    assert len(unlabelled.stderr.splitlines()) == 1


def test_the_reasons_of_a_cluster_name_every_centre_and_what_decides(
    engine: sa.Engine, settings: Settings, champion: str
) -> None:
    session = a_session(energy_kwh=9.5)
    [told] = ask(engine, settings, session)
    why = told["cluster_reasons"]
    by_hand = distances_by_hand(engine, champion, session)
    assert [each["distance"] for each in why["centres"]] == pytest.approx(by_hand, rel=1e-9)
    assert [each["cluster"] for each in why["centres"][:2]] == [
        told["kmeans_cluster"],
        told["next_cluster"],
    ]
    shares = [each["share"] for each in why["features"]]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    [energy] = [each for each in why["features"] if each["feature"] == "energy_kwh"]
    assert energy["value"] == pytest.approx(9.5)
