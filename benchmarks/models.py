"""Features and models on real sets beside the naive recipe, and their times at a million sessions.

Run with `python -m benchmarks.models`; `--sets` and `--times` run one half. What lives here: the
marks of the method that training of this version reaches by itself, and speed and memory.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import polars as pl
from sklearn.cluster import DBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from ev_pipeline.domain.features import (
    summarise_stations,
    summarise_users,
)
from ev_pipeline.domain.models.bundle import LABEL_INPUTS, ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.dbscan import DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.training import (
    train_dbscan,
    train_isolation_forest,
    train_kmeans,
)
from ev_pipeline.domain.models.values import SessionValues, session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline_tests.domain.models.made_sessions import features_of, make_sessions
from ev_pipeline_tests.domain.models.real_sessions import SETS, has_data, real_features

SEED: Final = 20180101
FALSE_ALARM_RATE: Final = 0.02
N_SAMPLE: Final = 5_000
N_REFITS: Final = 15
N_PERMUTED: Final = 5
MILLION: Final = 1_000_000

Answer = TypeVar("Answer")


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", action="store_true", help="only the marks on real sets")
    parser.add_argument("--times", action="store_true", help="only the times at a million")
    wanted = parser.parse_args()
    if not wanted.times:
        print_marks()
    if not wanted.sets:
        print_times()


def print_marks() -> None:
    """The marks on each real set, beside the naive recipe."""
    if not has_data():
        print("no real sessions at hand: set EV_TEST_DATA")
        return
    for name in SETS:
        features = real_features(name)
        usable = fit_sessions(features)
        print(f"\n{name}: {len(features)} sessions, {len(usable)} to fit on")
        _print_rows(_marks(features, usable))


def _marks(features: pl.DataFrame, usable: pl.DataFrame) -> Iterable[tuple[str, str, str]]:
    values = session_values(usable)
    sample = _sample(len(usable))
    naive = _naive_columns(usable)
    naive_clusters = KMeans(n_clusters=4, n_init=10, random_state=SEED).fit_predict(naive)
    for k in (3, 4, 5, 6):
        model = KMeansModel.fit(values, k=k, seed=SEED)
        view, clusters = model.view.transform(values).T, model.predict(values)
        silhouette = float(silhouette_score(view[sample], clusters[sample]))
        null = np.mean([_null_silhouette(usable, k, seed) for seed in range(N_PERMUTED)])
        beside = ""
        if k == 4:
            own = silhouette_score(naive[sample], naive_clusters[sample])
            on_view = silhouette_score(view[sample], naive_clusters[sample])
            beside = f"{own:.3f} on its own columns, {on_view:.3f} on the session view"
        yield f"silhouette, k={k} (mark 0.27)", f"{silhouette:.3f}", beside
        yield "  gain over permuted (mark 0.03)", f"{silhouette - null:.3f}", ""
        yield "  bootstrap agreement (mark 0.8)", f"{_bootstrap(values, model):.3f}", ""
        naive_shares = _shares(naive_clusters) if k == 4 else ""
        yield "  shares (mark 5 to 60 %)", _shares(clusters), naive_shares
    dbscan = train_dbscan(features, seed=SEED).measures
    naive_noise = DBSCAN(eps=0.5, min_samples=10).fit_predict(naive[_sample(len(naive), 10_000)])
    yield (
        "density noise (mark 2 to 8 %)",
        f"{dbscan['noise_share']:.1%}, {dbscan['n_clusters']} clusters",
        f"{np.mean(naive_noise == -1):.1%}, {naive_noise.max() + 1} clusters (10,000 rows)",
    )
    yield "  held-out agreement (mark 0.93)", f"{dbscan['held_out_agreement']:.3f}", ""
    yield "false alarms, next tenth of time (mark 2 %)", f"{_false_alarms(usable):.2%}", ""
    yield "instant = complete label (mark 100 %)", f"{_same_alone(features):.1%}", ""


def _naive_columns(usable: pl.DataFrame) -> np.ndarray:
    """Every numeric column of the merged features, standardised."""
    numeric = usable.select(pl.selectors.numeric()).fill_null(0).drop("revision")
    columns: np.ndarray = numeric.to_numpy().astype(float)
    deviation = columns.std(axis=0)
    columns -= columns.mean(axis=0)
    columns /= np.where(deviation > 0, deviation, 1)
    return columns


def _null_silhouette(usable: pl.DataFrame, k: int, seed: int) -> float:
    """The procedure's silhouette where hour, duration and energy know nothing of each other."""
    random = np.random.default_rng(seed)
    permuted = usable.with_columns(
        pl.Series(name, random.permutation(usable[name].to_numpy()))
        for name in ("start_hour", "duration_h", "energy_kwh")
    ).with_columns(mean_power_kw=pl.col("energy_kwh") / pl.col("duration_h"))
    values = session_values(permuted)
    model = KMeansModel.fit(values, k=k, seed=seed)
    sample = _sample(len(permuted), 2_000)
    rows, clusters = model.view.transform(values).T[sample], model.predict(values)[sample]
    return float(silhouette_score(rows, clusters))


def _bootstrap(values: SessionValues, model: KMeansModel) -> float:
    """Median agreement of refits on sessions drawn with replacement."""
    rows, clusters = model.view.transform(values).T, model.predict(values)
    random = np.random.default_rng(SEED)
    agreements = []
    for _ in range(N_REFITS):
        drawn = rows[random.integers(0, len(rows), min(len(rows), 10_000))]
        refit = KMeans(n_clusters=len(model.centres), n_init=10, random_state=SEED).fit(drawn)
        agreements.append(adjusted_rand_score(clusters, refit.predict(rows)))
    return float(np.median(agreements))


def _false_alarms(usable: pl.DataFrame) -> float:
    """Share of the last tenth of time called anomalies by a model trained on all before."""
    ordered = usable.sort("started_at", "session_id")
    n_before = round(0.9 * len(ordered))
    labels = _train(ordered[:n_before]).label(ordered[n_before:])
    return int(labels["is_anomaly"].sum()) / len(labels)


def _same_alone(features: pl.DataFrame) -> float:
    model = _train(features)
    chosen = features.sample(1_000, seed=SEED)
    among_all = chosen.select("session_id").join(
        model.label(features), on="session_id", maintain_order="left"
    )
    alone = [model.label(chosen[row : row + 1]) for row in range(len(chosen))]
    return float(np.mean([one.equals(among_all[row : row + 1]) for row, one in enumerate(alone)]))


def _train(features: pl.DataFrame) -> ModelBundle:
    parts = (
        train_kmeans(features, k=4, seed=SEED),
        train_dbscan(features, seed=SEED),
        train_isolation_forest(features, seed=SEED, false_alarm_rate=FALSE_ALARM_RATE),
    )
    artifact = bundle({part.name: part.artifact for part in parts})
    return ModelBundle.from_bytes(artifact, content_hash(artifact))


def print_times() -> None:
    """Seconds and peak memory at a million generated sessions."""
    print(f"\n{MILLION} sessions of 50,000 users at 3,000 stations; peak memory of the process")
    features = _time_features()
    values = session_values(fit_sessions(features))
    _print_time("DBSCAN fit", lambda: DbscanModel.fit(values, seed=SEED))
    kmeans = _print_time("train KMeans", lambda: train_kmeans(features, k=4, seed=SEED))
    dbscan = _print_time("train DBSCAN", lambda: train_dbscan(features, seed=SEED))
    forest = _print_time(
        "train isolation forest",
        lambda: train_isolation_forest(features, seed=SEED, false_alarm_rate=FALSE_ALARM_RATE),
    )
    artifact = bundle({part.name: part.artifact for part in (kmeans, dbscan, forest)})
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


def _sample(n: int, at_most: int = N_SAMPLE) -> np.ndarray:
    return np.random.default_rng(SEED).choice(n, min(n, at_most), replace=False)


def _shares(clusters: np.ndarray) -> str:
    shares = np.sort(np.bincount(clusters))[::-1] / len(clusters)
    return " ".join(f"{share:.0%}" for share in shares)


def _print_rows(rows: Iterable[tuple[str, str, str]]) -> None:
    print(f"  {'measure':<44} {'here':<28} naive recipe")
    for measure, here, naive in rows:
        print(f"  {measure:<44} {here:<28} {naive}")


if __name__ == "__main__":
    main()
