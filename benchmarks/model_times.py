"""Times and memory of features, training and labels at a million sessions.

Run with `python -m benchmarks.model_times`. What lives here: each step by itself.
What does not: the whole job (`pipeline`), the marks of the models (`models`).
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from ev_pipeline.domain.features import summarise_stations, summarise_users
from ev_pipeline.domain.models.bundle import LABEL_INPUTS, ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.judgement import Subject, judge
from ev_pipeline.domain.models.training import (
    train_dbscan,
    train_isolation_forest,
    train_kmeans,
)
from ev_pipeline_tests.domain.models.made_sessions import features_of, make_sessions

SEED: Final = 20180101
FALSE_ALARM_RATE: Final = 0.02
MILLION: Final = 1_000_000

Answer = TypeVar("Answer")


def print_times() -> None:
    """Seconds and peak memory at a million generated sessions."""
    print(f"\n{MILLION} sessions of 50,000 users at 3,000 stations; peak memory of the process")
    features = _time_features()
    kmeans = _print_time("verdict, number, KMeans", lambda: train_kmeans(features, seed=SEED))
    dbscan = _print_time("train DBSCAN", lambda: train_dbscan(features, seed=SEED))
    forest = _print_time(
        "train isolation forest",
        lambda: train_isolation_forest(features, seed=SEED, false_alarm_rate=FALSE_ALARM_RATE),
    )
    parts = {part.name: part for part in (kmeans, dbscan, forest)}
    artifact = bundle({name: part.artifact for name, part in parts.items()})
    model = ModelBundle.from_bytes(artifact, content_hash(artifact))
    subject = Subject(model, {name: part.measures for name, part in parts.items()})
    _print_time("judge beside a champion", lambda: judge(features, subject, subject, seed=SEED))
    print(f"  artifact {len(artifact) / 1e6:.1f} MB")
    # In a process of its own, so that the peak is that of labelling.
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "features.parquet"
        features.select(LABEL_INPUTS).write_parquet(path)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as process:
            process.submit(_time_labels, path, artifact).result()


def _time_features() -> pl.DataFrame:
    sessions = make_sessions(MILLION, seed=SEED, users=50_000, stations=3_000)
    lazy = sessions.lazy()
    _print_time("users and stations (mark 1 s)", lambda: _summarise(lazy))
    some = sessions["user_id"].drop_nulls().unique(maintain_order=True)[:20]
    touched = sessions.filter(pl.col("user_id").is_in(some.implode())).lazy()
    _print_time("20 touched users (mark 0.020 s)", lambda: summarise_users(touched).collect())
    return _print_time("all three features", lambda: features_of(sessions))


def _time_labels(path: Path, artifact: bytes) -> None:
    sessions = pl.read_parquet(path)
    model = ModelBundle.from_bytes(artifact, content_hash(artifact))
    one = sessions[:1]
    model.label(one)
    _print_time("label of one session", lambda: model.label(one))
    _print_time("labels by all three (mark 60 s, 1 GB)", lambda: model.label(sessions))


def _summarise(lazy: pl.LazyFrame) -> None:
    summarise_users(lazy).collect()
    summarise_stations(lazy).collect()


def _print_time(what: str, work: Callable[[], Answer]) -> Answer:
    before_mb = _peak_mb()
    start = time.perf_counter()
    answer = work()
    seconds = time.perf_counter() - start
    memory = f"peak {_peak_mb():6.0f} MB (before {before_mb:.0f})"
    print(f"  {what:<42} {seconds:8.3f} s   {memory}", flush=True)
    return answer


def _peak_mb() -> float:
    """Peak of this process alone; what `resource` tells counts the parent's memory too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    print_times()
