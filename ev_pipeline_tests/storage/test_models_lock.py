"""The lock of whoever changes models: who comes second waits, and is told for whom."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.storage.faults import is_infrastructure_fault
from ev_pipeline.storage.models_lock import models_lock
from ev_pipeline.storage.promotion import promote
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.test_promotion import NOW
from ev_pipeline_tests.storage.trained import register

MODELS = [sys.executable, "-m", "ev_pipeline.cli.main", "models"]


def _n_waiting(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.exec_driver_sql(
                "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
                " where locktype = 'advisory' and not granted and datname = current_database()"
            ).scalar_one()
        )


def _rollback(environment: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODELS, "rollback"], env=environment, capture_output=True, text=True, check=False
    )


def test_who_comes_second_waits_until_the_first_has_ended(engine: sa.Engine) -> None:
    def second() -> str:
        with models_lock(engine, holder="second", wait_s=60):
            return "had it"

    with ThreadPoolExecutor(1) as pool:
        with models_lock(engine, holder="first", wait_s=0):
            waiting = pool.submit(second)
            wait_until(lambda: _n_waiting(engine), within_s=30)
            assert not waiting.done()
        assert waiting.result(timeout=30) == "had it"


def test_who_has_waited_long_enough_is_told_who_holds_it_and_may_try_again(
    engine: sa.Engine,
) -> None:
    told = pytest.raises(PipelineError, match=r"by run 1a2b3c4d \(retrain\) since \d\d:\d\d:\d\d")
    with (
        models_lock(engine, holder="run 1a2b3c4d (retrain)", wait_s=0),
        told as raised,
        models_lock(engine, holder="second", wait_s=0.1),
    ):
        pytest.fail("two hold the lock")
    assert is_infrastructure_fault(raised.value)
    with models_lock(engine, holder="third", wait_s=0):
        pass


def test_a_rollback_goes_back_from_the_champion_there_is_once_it_may(
    engine: sa.Engine, environment: dict[str, Any]
) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions()[:200])
    versions = [register(engine, seed) for seed in (1, 2, 3)]
    for day, version in enumerate(versions[:2]):
        promote(engine, version, reason="", promoted_at=NOW + timedelta(days=day))
    with ThreadPoolExecutor(1) as pool:
        with models_lock(engine, holder="retrain", wait_s=0):
            waiting = pool.submit(_rollback, environment)
            wait_until(lambda: _n_waiting(engine), within_s=60)
            promote(engine, versions[2], reason="", promoted_at=NOW + timedelta(days=2))
        done = waiting.result(timeout=60)
    assert done.returncode == 0, done.stderr
    with engine.connect() as connection:
        champion = connection.exec_driver_sql(
            "select version, reason from ev_model where is_champion"
        ).one()
    assert champion == (versions[1], f"rolled back from {versions[2]}")
