"""Clusters on real sets and on sets without structure, beside the naive recipe.

Run with `python -m benchmarks.models`. What lives here: the marks of clusters and density.
What does not: anomalies (`anomalies`), times at a million sessions (`model_times`).

The naive recipe: the merged features, every column standardised, four clusters, DBSCAN(0.5, 10).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from sklearn.cluster import DBSCAN, KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from ev_pipeline.domain.models.bundle import ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.structure import NO_STRUCTURE, STRUCTURED
from ev_pipeline.domain.models.training import (
    TrainedPart,
    train_dbscan,
    train_isolation_forest,
    train_kmeans,
)
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline_tests.domain.models.structureless import shuffled, uniform
from ev_pipeline_tests.real_frames import REAL_SETS, features_of, has_real_sets, real_sessions
from ev_pipeline_tests.storage.sample import sample_sessions
from ev_pipeline_tests.storage.trained import own_features

SEED: Final = 20180101
FALSE_ALARM_RATE: Final = 0.02
N_SAMPLE: Final = 5_000
N_DENSITY: Final = 10_000
N_ALONE: Final = 500
BEHAVIOURS: Final = Path(__file__).parents[1] / "data" / "behaviours.csv"


def main() -> None:
    """Print one table a set."""
    sample = own_features(sample_sessions())
    _print_set("the sample that ships", sample, STRUCTURED, _truth(sample))
    if not has_real_sets():
        print("no real sessions at hand: set EV_TEST_DATA")
        return
    sets = {name: features_of(real_sessions(name)) for name in REAL_SETS}
    for name, features in sets.items():
        _print_set(name, features, STRUCTURED)
    _print_set("dundee, columns shuffled", shuffled(sets["dundee"], seed=SEED), NO_STRUCTURE)
    _print_set("uniform", uniform(sets["dundee"], seed=SEED), NO_STRUCTURE)


def _print_set(
    name: str, features: pl.DataFrame, expected: str, truth: pl.Series | None = None
) -> None:
    usable = fit_sessions(features)
    clusters = train_kmeans(features, seed=SEED)
    density = train_dbscan(features, seed=SEED)
    print(f"\n{name}: {len(features)} sessions, {len(usable)} to fit on")
    print(f"  {'measure (mark)':<40} {'here':<34} naive recipe")
    for row in [
        *_clusters(usable, clusters, expected, truth),
        *_density(usable, density),
        _same_alone(features, clusters, density),
    ]:
        print("  {:<40} {:<34} {}".format(*row), flush=True)
    for each in clusters.measures["clusters"]:
        print(f"    {each['name']} ({each['share']:.0%})")


def _clusters(
    usable: pl.DataFrame, trained: TrainedPart, expected: str, truth: pl.Series | None
) -> Iterator[tuple[str, str, str]]:
    measures = trained.measures
    chosen = next(each for each in measures["candidates"] if each["k"] == measures["k"])
    naive = _naive_columns(usable)
    naive_clusters = KMeans(n_clusters=4, n_init=10, random_state=SEED).fit_predict(naive)
    model = KMeansModel.from_bytes(trained.artifact)
    values = session_values(usable)
    shown = np.random.default_rng(SEED).choice(len(usable), min(len(usable), N_SAMPLE))
    view, found = model.view.transform(values).T[shown], model.predict(values)
    own = silhouette_score(naive[shown], naive_clusters[shown])
    on_view = silhouette_score(view, naive_clusters[shown])
    silhouette = silhouette_score(view, found[shown])
    verdict, z = measures["verdict"], measures["structure"]["z"]
    yield f"verdict ({expected})", f"{verdict}, z {z:.1f}", "none is given"
    yield "number of clusters", f"{measures['k']}, valid: {measures['k_is_valid']}", "4, unasked"
    yield (
        "silhouette on the view (0.27, 1.7 x naive)",
        f"{silhouette:.3f}, {silhouette / on_view:.1f} x",
        f"{on_view:.3f}; {own:.3f} on its own columns",
    )
    yield "gain over permuted (0.03)", f"{chosen['gain']:.3f}", "not known"
    yield "refits agree (0.8)", f"{chosen['agreement']:.3f}", "not known"
    yield "earlier and later agree (0.6)", f"{chosen['temporal_agreement']:.3f}", "not known"
    yield "shares (5 to 60 %)", _shares(found), _shares(naive_clusters)
    if truth is not None:
        recovered = adjusted_rand_score(truth, found)
        yield (
            "agreement with true behaviours",
            f"{recovered:.3f}",
            f"{adjusted_rand_score(truth, naive_clusters):.3f}",
        )


def _density(usable: pl.DataFrame, trained: TrainedPart) -> Iterator[tuple[str, str, str]]:
    measures = trained.measures
    naive = _naive_columns(usable)[:N_DENSITY]
    noise = DBSCAN(eps=0.5, min_samples=10).fit_predict(naive)
    yield (
        "density noise (2 to 8 %)",
        f"{measures['noise_share']:.1%}, {measures['n_clusters']} clusters",
        f"{np.mean(noise == -1):.1%}, {noise.max() + 1} clusters (of {len(naive)})",
    )
    yield "  a refit agrees on noise (0.93)", f"{measures['held_out_agreement']:.3f}", "no predict"


def _same_alone(
    features: pl.DataFrame, clusters: TrainedPart, density: TrainedPart
) -> tuple[str, str, str]:
    """Whether sessions labelled one by one get the labels that they get among all."""
    forest = train_isolation_forest(features, seed=SEED, false_alarm_rate=FALSE_ALARM_RATE)
    artifact = bundle({part.name: part.artifact for part in (clusters, density, forest)})
    model = ModelBundle.from_bytes(artifact, content_hash(artifact))
    chosen = features.sample(min(N_ALONE, len(features)), seed=SEED)
    together = model.label(chosen)
    alone = [model.label(chosen[row : row + 1]) for row in range(len(chosen))]
    same = np.mean([one.equals(together[row : row + 1]) for row, one in enumerate(alone)])
    return "instant = complete label (100 %)", f"{same:.1%}", "no instant label"


def _naive_columns(usable: pl.DataFrame) -> np.ndarray:
    """Every numeric column of a session, its user and its station, standardised."""
    means = ("duration_h", "energy_kwh", "mean_power_kw")
    merged = usable.with_columns(
        each
        for owner in ("user_id", "station_id")
        for each in (
            pl.len().over(owner).alias(f"{owner}_n"),
            *(pl.col(name).mean().over(owner).alias(f"{owner}_{name}") for name in means),
        )
    )
    numeric = merged.select(pl.selectors.numeric()).fill_null(0).drop("revision")
    columns: np.ndarray = numeric.to_numpy().astype(float)
    deviation = columns.std(axis=0)
    columns -= columns.mean(axis=0)
    columns /= np.where(deviation > 0, deviation, 1)
    return columns


def _truth(sample: pl.DataFrame) -> pl.Series:
    """The true behaviour of the sample's sessions that are fitted on, in their order."""
    behaviours = pl.read_csv(BEHAVIOURS).rename({"session_id": "source_session_id"})
    ids = sample_sessions().select("session_id", "source_session_id")
    told = fit_sessions(sample).join(ids, on="session_id", maintain_order="left")
    return told.join(behaviours, on="source_session_id", maintain_order="left")["behaviour"]


def _shares(clusters: np.ndarray) -> str:
    counts = np.unique(clusters, return_counts=True)[1]
    return " ".join(f"{share:.0%}" for share in np.sort(counts)[::-1] / len(clusters))


if __name__ == "__main__":
    main()
