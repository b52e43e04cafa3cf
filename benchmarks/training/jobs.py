"""What is measured in a process of its own, so that its peak of memory is its own.

What lives here: one function a measure. What does not: sizes, marks and the table (`pipeline`).
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import dagster as dg

from ev_pipeline.domain.models.bundle import bundle, content_hash
from ev_pipeline.domain.models.training import train_dbscan, train_isolation_forest, train_kmeans
from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.features import read_training_sessions
from ev_pipeline.storage.labels import fill_partition
from ev_pipeline.storage.promotion import load_labeller
from ev_pipeline.storage.registry import ModelVersion, save_version
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs

OTHER_SEED: Final = 1
_LOOK_EVERY_S: Final = 0.02


@dataclass(frozen=True)
class Measured:
    """One piece of work.

    Args:
        seconds: from its start to its end.
        peak_mb: greatest resident memory of its process meanwhile.
        steps: seconds and peak of each step, for a job of several.
    """

    seconds: float
    peak_mb: float
    steps: dict[str, "Measured"] = field(default_factory=dict)


def in_own_process(work: Callable[..., Measured], *arguments: Any) -> Measured:
    """The work's figures, where nothing else has used memory before."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
        return process.submit(work, *arguments).result()


def bootstrap(url: str, stations: Path, sessions: Path) -> Measured:
    """The whole job but for the dashboard, which needs a broker."""
    named = [("canonical_stations", stations), ("canonical", sessions)]
    files = [{"source": source, "path": str(path)} for source, path in named]
    config = {"config": {"files": files}}
    with pipeline_runs(Settings(database_url=url)) as runs:
        keys = runs.definitions.resolve_asset_graph().get_all_asset_keys()
        names = [key.to_user_string() for key in keys if key != dg.AssetKey("dashboard")]
        run_config = {"ops": {"ev_station": config, "ev_session": config}}
        return _measured(runs, "bootstrap", only=names, run_config=run_config)


def retrain(settings: Settings) -> Measured:
    """The whole job."""
    with pipeline_runs(settings) as runs:
        return _measured(runs, "retrain")


def _measured(runs: PipelineRuns, job: str, **how: Any) -> Measured:
    """The job and its steps."""
    with _watched_memory() as memory:
        start = time.time()
        result = runs.run(job, **how)
        seconds = time.time() - start
        if not result.success:
            raise RuntimeError("the job failed; its log above says why")
        records = runs.instance.all_logs(result.run_id)
    begun: dict[str, float] = {}
    steps = {}
    for record in records:
        event = record.dagster_event
        if event is None or record.step_key is None:
            continue
        if event.is_step_start:
            begun[record.step_key] = record.timestamp
        elif event.is_step_success:
            since = begun[record.step_key]
            peak_mb = memory.peak_mb(since, record.timestamp)
            steps[record.step_key] = Measured(record.timestamp - since, peak_mb)
    return Measured(seconds, memory.peak_mb(start, start + seconds), steps)


def fit_dbscan(url: str) -> Measured:
    """DBSCAN trained on all sessions that may be trained on, reading included."""
    engine = connect(Settings(database_url=url))
    start = time.perf_counter()
    train_dbscan(read_training_sessions(engine), seed=OTHER_SEED)
    return Measured(time.perf_counter() - start, _peak_mb())


def label(url: str, version: str) -> Measured:
    """Labels of all stored sessions by all three models, from the database and into it."""
    engine = connect(Settings(database_url=url))
    start = time.perf_counter()
    fill_partition(engine, load_labeller(engine, version, labelled_at=datetime.now(UTC)))
    return Measured(time.perf_counter() - start, _peak_mb())


def train_other(url: str) -> str:
    """Register a version that is not the champion's; returns its name."""
    engine = connect(Settings(database_url=url))
    features = read_training_sessions(engine)
    parts = [
        train_kmeans(features, k=4, seed=OTHER_SEED),
        train_dbscan(features, seed=OTHER_SEED),
        train_isolation_forest(features, seed=OTHER_SEED, false_alarm_rate=0.02),
    ]
    artifact = bundle({part.name: part.artifact for part in parts})
    sha256 = content_hash(artifact)
    version = ModelVersion(
        version=f"other-{sha256[:8]}",
        trained_at=datetime.now(UTC),
        parameters={},
        measures={},
        verdict=None,
        cluster_names={},
        artifact_sha256=sha256,
        is_champion=False,
        promoted_at=None,
        reason=None,
    )
    with engine.begin() as connection:
        return save_version(connection, version, artifact).version


@dataclass
class _Memory:
    """Resident memory of this process, as a thread saw it over time."""

    seen: list[tuple[float, float]] = field(default_factory=list)

    def peak_mb(self, since: float, until: float) -> float:
        return max((mb for at, mb in self.seen if since <= at <= until), default=0.0)


@contextmanager
def _watched_memory() -> Any:
    memory, stop = _Memory(), threading.Event()

    def watch() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            memory.seen.append((time.time(), _status_mb("VmRSS")))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _peak_mb() -> float:
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) / 1024
