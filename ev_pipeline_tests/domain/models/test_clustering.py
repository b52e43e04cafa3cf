"""Clusters from training to retraining: behaviours recovered, names that stay, moved populations.

Trained on the sample that ships, whose true behaviours are known and which no model reads.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from ev_pipeline.domain.models.card import write_card
from ev_pipeline.domain.models.judgement import Judgement, Subject, judge
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.training import TrainedPart, train_kmeans
from ev_pipeline.domain.models.values import Floats, floats, session_values
from ev_pipeline.domain.models.view import fit_sessions
from ev_pipeline_tests.domain.models.conftest import bundle_of, train_all
from ev_pipeline_tests.domain.models.structureless import shuffled
from ev_pipeline_tests.storage.sample import sample_sessions
from ev_pipeline_tests.storage.trained import own_features

BEHAVIOURS = Path(__file__).parents[3] / "data" / "behaviours.csv"
SEED = 20180101
OWN = ("start_hour", "duration_h", "energy_kwh", "mean_power_kw")


@pytest.fixture(scope="module")
def features() -> pl.DataFrame:
    return own_features(sample_sessions())


@pytest.fixture(scope="module")
def first(features: pl.DataFrame) -> TrainedPart:
    return train_kmeans(features, seed=SEED)


@pytest.fixture(scope="module")
def champion(features: pl.DataFrame, first: TrainedPart) -> Subject:
    parts = train_all(features, k=4) | {"kmeans": first}
    measures = {name: part.measures for name, part in parts.items()}
    return Subject(bundle_of(parts), measures)


def _moved(features: pl.DataFrame) -> pl.DataFrame:
    """Everybody stays a tenth as long, draws three times the power, and comes half a day later."""
    return features.with_columns(
        pl.col("duration_h") / 10,
        pl.col("energy_kwh") * 0.3,
        pl.col("mean_power_kw") * 3,
        (pl.col("start_hour") + 12) % 24,
    )


def _judged(features: pl.DataFrame, challenger: Subject, champion: Subject | None) -> Judgement:
    return judge(features, challenger, champion, seed=SEED)


def _retrained(features: pl.DataFrame, champion: Subject) -> Subject:
    parts = train_all(features, k=4)
    parts["kmeans"] = train_kmeans(features, seed=SEED, k=4, former=champion.bundle.clusters)
    measures = {name: part.measures for name, part in parts.items()}
    return Subject(bundle_of(parts), measures)


def _naive_clusters(usable: pl.DataFrame) -> Floats:
    columns = np.stack([floats(usable[name]) for name in OWN], axis=1)
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    found: Floats = KMeans(n_clusters=4, n_init=10, random_state=SEED).fit_predict(scaled)
    return found


def test_true_behaviours_are_recovered_better_than_by_the_naive_recipe_on_the_same_values(
    features: pl.DataFrame, first: TrainedPart
) -> None:
    ids = sample_sessions().select("session_id", "source_session_id")
    behaviours = pl.read_csv(BEHAVIOURS).rename({"session_id": "source_session_id"})
    usable = fit_sessions(features).join(ids, on="session_id", maintain_order="left")
    truth = usable.join(behaviours, on="source_session_id", maintain_order="left")["behaviour"]
    found = KMeansModel.from_bytes(first.artifact).predict(session_values(usable))
    recovered = adjusted_rand_score(truth, found)
    assert recovered >= 0.65
    assert recovered >= adjusted_rand_score(truth, _naive_clusters(usable)) + 0.05


def test_structured_clusters_have_names_that_differ(first: TrainedPart) -> None:
    names = [cluster["name"] for cluster in first.measures["clusters"]]
    assert first.measures["verdict"] == "structured"
    assert first.measures["k_is_valid"]
    assert len(set(names)) == len(names)
    assert not any(name.isdigit() for name in names)


def test_without_structure_clusters_have_numbers_for_names(features: pl.DataFrame) -> None:
    trained = train_kmeans(shuffled(features[:2_000], seed=1), seed=SEED, k=3)
    assert trained.measures["verdict"] == "no structure"
    assert [cluster["name"] for cluster in trained.measures["clusters"]] == ["0", "1", "2"]


def test_a_retrain_on_the_same_sessions_gives_the_same_bytes(
    features: pl.DataFrame, first: TrainedPart
) -> None:
    former = KMeansModel.from_bytes(first.artifact)
    again = train_kmeans(features, seed=SEED, k=len(former.centres), former=former)
    assert again.artifact == first.artifact


def test_another_seed_and_other_sessions_keep_numbers_and_names(
    features: pl.DataFrame, first: TrainedPart
) -> None:
    former = KMeansModel.from_bytes(first.artifact)
    half = features.sample(fraction=0.5, seed=3)
    other = train_kmeans(half, seed=SEED + 1, k=len(former.centres), former=former)
    model = KMeansModel.from_bytes(other.artifact)
    assert model.name_of == former.name_of
    assert {cluster["state"] for cluster in other.measures["clusters"]} == {"kept"}
    values = session_values(fit_sessions(features))
    assert np.mean(model.predict(values) == former.predict(values)) > 0.95


def test_a_model_that_says_the_same_is_held_back(features: pl.DataFrame, champion: Subject) -> None:
    judged = _judged(features, champion, champion)
    assert not judged.decision.is_promoted
    assert judged.comparison["changed_share"] == 0
    assert judged.comparison["agreement"] > 0.9


def test_a_moved_population_makes_the_champion_give_way(
    features: pl.DataFrame, champion: Subject
) -> None:
    moved = _moved(features)
    judged = _judged(moved, _retrained(moved, champion), champion)
    assert judged.decision.is_promoted, judged.decision.reason
    assert judged.decision.reason.startswith("the champion no longer passes")


def test_a_card_says_data_gates_verdict_and_decision(
    features: pl.DataFrame, champion: Subject
) -> None:
    judged = _judged(features, champion, None)
    measures = {**champion.measures, "comparison": judged.comparison}
    card = write_card("v1", data=judged.data, measures=measures, decision=judged.decision.reason)
    for said in ("# Model v1", "**structured**", "the first model", "| sessions trained on | 7670"):
        assert said in card
    assert "no better than chance" not in card
    without = {**measures, "kmeans": {**measures["kmeans"], "verdict": "no structure"}}
    assert "no better than chance" in write_card("v1", data={}, measures=without, decision="kept")
