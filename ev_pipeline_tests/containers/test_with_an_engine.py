"""Where a container engine is at hand: everything is started, and sessions go through."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ev_pipeline_tests.containers.compose_file import COMPOSE_FILE
from ev_pipeline_tests.house.repository import ROOT
from ev_pipeline_tests.stack.processes import wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

WITHIN_S = 300

ADDRESS = "127.0.0.77"
"""A loopback address of its own, beside whatever listens on the usual one."""

LABELLED = "SELECT count(*) FROM ev_session_label WHERE labelled_by = 'stream'"


@dataclass(frozen=True)
class Project:
    """Containers of this test's own."""

    docker: str

    def __call__(self, *arguments: str) -> str:
        """What `docker compose` prints."""
        files = ["-p", "ev-pipeline-test", "-f", str(COMPOSE_FILE), "--profile", "simulator"]
        told = {"EV_PUBLISH_BROKER": ADDRESS, "EV_PUBLISH_PAGES": ADDRESS}
        done = subprocess.run(
            [self.docker, "compose", *files, *arguments],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def project() -> Iterator[Project]:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("needs a container engine")
    compose = Project(docker)
    try:
        compose("up", "--detach", "--build", "--wait")
        yield compose
    finally:
        compose("down", "--volumes")


def test_what_a_charger_reports_gets_its_label(project: Project) -> None:
    sample = ["-v", f"{ROOT}/data:/sample:ro", "cli"]
    project("run", "--rm", *sample, "load", "canonical", "/sample/sessions.csv")
    project("run", "--rm", "cli", "run", "retrain")
    query = ["exec", "-T", "postgres", "psql", "-U", "ev", "-d", "ev", "-tAc", LABELLED]
    wait_until(lambda: int(project(*query)) > 0, within_s=WITHIN_S)
    added = project("run", "--rm", "cli", "accounts", "add", "depot-7", "--json")
    assert '"is_active": true' in added
