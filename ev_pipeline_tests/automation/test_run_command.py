"""`ev-pipeline run` and `models` on a real stack: queue, daemon, webserver and all."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ev_pipeline.stack.dagster_home import CODE
from ev_pipeline_tests.stack.local_stack import LocalStack, local_stack
from ev_pipeline_tests.stack.processes import wait_until

DATA = Path(__file__).parents[2] / "data"
pytestmark = pytest.mark.timeout(600)  # a busy machine takes minutes to start a stack

RUN = [sys.executable, "-m", "ev_pipeline.cli.main", "run"]

N_SESSIONS = 2_000
"""Of the sample, which has four times as many: enough to train on, and soon done."""


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack that works, with the sample's beginning beside it under relative names."""
    with local_stack() as stack:
        for name in ("stations.csv", "sessions.csv"):
            lines = (DATA / name).read_text().splitlines(keepends=True)
            (stack.home / name).write_text("".join(lines[: N_SESSIONS + 1]))
        stack.start()
        yield stack


def _run(
    stack: LocalStack, *arguments: str, bootstrap: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *arguments],
        env={**stack.environment, "EV_BOOTSTRAP": bootstrap},
        cwd=stack.home,
        capture_output=True,
        text=True,
        check=False,
    )


def _run_processes(stack: LocalStack) -> list[int]:
    """Processes in which Dagster executes runs: its code server starts each by itself."""
    return [pid for pid, command in stack.processes().items() if "multiprocessing.spawn" in command]


def _newest_materialization(stack: LocalStack, asset: str) -> Any:
    query = """query ($path: [String!]!) { assetOrError(assetKey: {path: $path}) { ... on Asset {
        assetMaterializations(limit: 1) { runId timestamp description }
    } } }"""
    request = Request(
        f"http://127.0.0.1:{stack.dagster_port}/graphql",
        data=json.dumps({"query": query, "variables": {"path": [asset]}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=60) as response:  # noqa: S310 - the scheme is ours
        (newest,) = json.load(response)["data"]["assetOrError"]["assetMaterializations"]
    return newest


def _json(stack: LocalStack, *arguments: str) -> Any:
    printed = stack.run(*arguments, "--json")
    assert printed.returncode == 0, printed.stderr
    return json.loads(printed.stdout)


def test_a_bootstrap_loads_what_the_caller_names_from_where_the_caller_is_and_tells_its_steps(
    stack: LocalStack,
) -> None:
    named = "canonical_stations:stations.csv canonical:sessions.csv"
    done = _run(stack, "bootstrap", "--json", bootstrap=named)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "success"
    assert (outcome["n_checks"], outcome["failed_checks"]) == (10, [])
    steps = {step["step"]: step for step in outcome["steps"]}
    assert steps["ev_station"]["figures"]["files"] == 1
    n_labelled = steps["session_labels"]["figures"]["rows"]
    assert 0.8 * N_SESSIONS < n_labelled <= N_SESSIONS
    assert f"session_labels: rows {n_labelled:,}" in done.stderr
    champion = _json(stack, "models", "show")
    assert champion["is_champion"]
    assert set(champion["parameters"]) == {"kmeans", "dbscan", "isolation_forest"}
    assert set(champion["measures"]) == {*champion["parameters"], "comparison"}
    assert champion["verdict"] == "structured"
    assert champion["reason"] == "the first model, as it is; verdict: structured"
    assert champion["version"] in champion["card"]


def test_a_person_may_promote_a_version_and_roll_back(stack: LocalStack) -> None:
    (only,) = _json(stack, "models", "list")
    refused = stack.run("models", "rollback")
    assert refused.returncode == 1
    assert "no previous champion" in refused.stderr
    again = _json(stack, "models", "promote", only["version"])
    assert (again["version"], again["n_labels"]) == (only["version"], 0)
    unknown = stack.run("models", "promote", "nonsense")
    assert unknown.returncode == 1
    assert "models list" in unknown.stderr


def test_a_load_by_hand_is_in_the_lineage_too(stack: LocalStack) -> None:
    loaded = stack.run("load", "canonical", str(DATA / "online_sessions.csv"))
    assert loaded.returncode == 0, loaded.stderr
    assert "not told" not in loaded.stderr
    newest = _newest_materialization(stack, "ev_session")
    assert newest["runId"] == ""
    assert "stored, 0 updated by load" in newest["description"]
    again = stack.run("load", "canonical", str(DATA / "online_sessions.csv"))
    assert again.returncode == 0, again.stderr
    assert _newest_materialization(stack, "ev_session") == newest


def test_a_job_that_is_not_there_and_a_file_that_is_not_there_are_one_line_each(
    stack: LocalStack,
) -> None:
    unknown = _run(stack, "nonsense")
    assert unknown.returncode == 1
    jobs = "bootstrap, label_new_sessions, publish_dashboard, retention, retrain"
    assert unknown.stderr == f"error: there is no job nonsense; name one of {jobs}\n"
    failed = _run(stack, "bootstrap", bootstrap="canonical:stations.csv")
    assert failed.returncode == 1
    error = failed.stderr.splitlines()[-1]
    assert str(stack.home / "stations.csv") in error
    assert f":{stack.dagster_port}/runs/" in error


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("canonical:sessions.csv canonical:missing.csv", "missing.csv: EV_BOOTSTRAP names a file"),
        ("nonsense:sessions.csv", "nonsense"),
        ("sessions.csv", "is not a pair"),
    ],
)
def test_what_a_bootstrap_cannot_load_is_said_before_it_is_launched(
    stack: LocalStack, named: str, said: str
) -> None:
    refused = _run(stack, "bootstrap", bootstrap=named)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert said in refused.stderr
    assert "/runs/" not in refused.stderr


@pytest.mark.parametrize("killed", ["the run", CODE])
def test_a_killed_run_is_followed_to_the_end_of_the_one_in_its_place_by_the_terminals_settings(
    stack: LocalStack, killed: str
) -> None:
    with subprocess.Popen(
        [*RUN, "retrain", "--json"],
        env={**stack.environment, "EV_CLUSTERS": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr is not None
        assert command.stdout is not None
        lines = [command.stderr.readline()]
        while "user_features" not in lines[-1]:
            assert lines[-1], lines
            lines.append(command.stderr.readline())
        (run,) = _run_processes(stack)
        process = stack.state.services[CODE].pid if killed == CODE else run
        assert process
        os.kill(process, signal.SIGKILL)
        said = "".join(lines) + command.stderr.read()
        outcome = json.loads(command.stdout.read())
    assert command.returncode == 0, said
    assert "Dagster runs it again" in said
    assert len(outcome["lost_run_ids"]) == 1
    assert outcome["status"] == "success"
    assert outcome["error"] is None
    assert outcome["run_id"] in outcome["page"]
    assert "trained by EV_CLUSTERS=3, set here" in said
    assert _json(stack, "models", "list")[0]["parameters"]["kmeans"]["k"] == 3


def test_an_interrupted_command_stops_its_run(stack: LocalStack) -> None:
    with subprocess.Popen(
        [*RUN, "retrain"], env=stack.environment, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr is not None
        assert "/runs/" in command.stderr.readline()
        command.send_signal(signal.SIGINT)
        said = command.stderr.read()
    assert command.returncode == 1
    assert "ended as canceled" in said


def test_an_interrupt_during_the_first_demo_ends_the_demo_and_its_run() -> None:
    named = f"canonical_stations:{DATA}/stations.csv canonical:{DATA}/sessions.csv"
    with (
        local_stack() as stack,
        subprocess.Popen(
            [*stack.program, "demo"],
            env={**stack.environment, "EV_BOOTSTRAP": named},
            stderr=subprocess.PIPE,
            text=True,
        ) as demo,
    ):
        assert demo.stderr is not None
        while "/runs/" not in (line := demo.stderr.readline()):
            assert line
        demo.send_signal(signal.SIGINT)
        said = demo.stderr.read().splitlines()
        # The interrupted line may be flushed once more before them.
        assert (demo.wait(), said[-2:]) == (0, ["stopping", "stopped"])
        wait_until(lambda: not stack.processes(), within_s=10)


def test_without_a_stack_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    done = _run(LocalStack(tmp_path), "retrain")
    assert done.returncode == 1
    assert "ev-pipeline up" in done.stderr
    assert len(done.stderr.splitlines()) == 1
