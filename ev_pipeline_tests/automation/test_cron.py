"""The time of the nightly training: what Dagster takes, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from ev_pipeline.automation.cron import require_cron
from ev_pipeline.automation.schedules import nightly_retrain
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline_tests.conftest import free_port


@pytest.mark.parametrize("cron", ["nightly", "60 * * * *", "* * * *", "*/0 * * * *", "", "@never"])
def test_a_cron_that_is_none_is_refused_with_the_way_to_write_one(cron: str) -> None:
    with pytest.raises(PipelineError, match=r"EV_RETRAIN_CRON cannot be .*like 30 2 \* \* \*"):
        require_cron(cron)


@pytest.mark.parametrize(
    "cron",
    ["30 2 * * *", "*/15 8-18,22 1 jan-mar MON", "0 0 * * 7", "@daily", "0 3 L * *", "0 3 * * 1#2"],
)
def test_whatever_dagster_takes_is_scheduled_as_it_is(cron: str) -> None:
    schedule = nightly_retrain(Settings(retrain_cron=cron))
    assert schedule.cron_schedule == cron


def test_a_stack_with_a_wrong_cron_is_refused_before_anything_starts(
    home: Path, environment: dict[str, str]
) -> None:
    asked = {**environment, "EV_HOME": str(home / "new"), "EV_POSTGRES_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", "up", "--detach"],
        env={**asked, "EV_RETRAIN_CRON": "nightly"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: EV_RETRAIN_CRON cannot be 'nightly'; write minute")
    assert done.stderr.count("\n") == 1
    assert not (home / "new").exists()
