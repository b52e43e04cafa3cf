"""Why a stored session has its labels is told for any session, by either of its names."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.prediction import explain_stored, predict
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import Message
from ev_pipeline.storage.promotion import promote
from ev_pipeline.stream.champion import Champion
from ev_pipeline_tests.intake.files import CANONICAL, a_session
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2024, 5, 6, 10, 1, tzinfo=UTC)


@pytest.fixture
def champion(engine: sa.Engine) -> str:
    version = register(engine, 1)
    promote(engine, version, reason="first", promoted_at=NOW)
    return version


def explained(engine: sa.Engine, name: str) -> list[dict[str, Any]]:
    answer = explain_stored(engine, name, Champion(engine).for_transaction, NOW)
    told: list[dict[str, Any]] = answer["sessions"]
    return told


def predicted(engine: sa.Engine, settings: Settings, session: dict[str, Any]) -> dict[str, Any]:
    question = Message(json.dumps(session).encode(), "asker", NOW)
    [told] = predict(engine, settings, question, Champion(engine).for_transaction)["predictions"]
    del told["decision"]
    return dict(told)


def test_a_stored_session_is_explained_as_it_was_predicted_by_either_name(
    engine: sa.Engine, settings: Settings, load: Loader, champion: str
) -> None:
    assert champion
    before = predicted(engine, settings, a_session())
    load(a_session(), a_session(session_id="S2", connector_id="2"))
    assert explained(engine, "S1") == [before]
    assert explained(engine, before["session_id"].upper()) == [before]


def test_operators_that_give_the_same_id_are_told_apart(
    engine: sa.Engine, load: Loader, champion: str
) -> None:
    assert champion
    load(a_session())
    load(a_session(), mapping=CANONICAL.model_copy(update={"scope": "elsewhere"}))
    told = explained(engine, "S1")
    assert [each["source_session_id"] for each in told] == ["S1", "S1"]
    assert len({each["session_id"] for each in told}) == 2


def test_the_command_explains_and_says_what_is_not_stored(
    environment: dict[str, str], load: Loader, champion: str
) -> None:
    load(a_session())

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ev_pipeline.cli.main", "why", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    programs = run("S1", "--json")
    assert (programs.returncode, programs.stderr) == (0, "")
    [told] = json.loads(programs.stdout)["sessions"]
    people = run("S1").stdout
    assert people.splitlines()[0] == f"S1, {told['session_id']}"
    assert f"{told['distance']:.2f}" in people
    assert champion in people
    missing = run("S9")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no session is stored as S9" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1
