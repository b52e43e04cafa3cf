"""Why a session is in its cluster, where the clusters' true behaviours are known."""

import numpy as np
import polars as pl
import pytest

from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.models.explanation import explain_clusters
from ev_pipeline.domain.models.values import session_values
from ev_pipeline_tests.domain.models.made_sessions import BEHAVIOURS


def test_typical_values_are_those_of_the_behaviours(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    stays = set()
    for explained in explain_clusters(made_model.clusters, session_values(made_features[:50])):
        typical = {each.feature: each.typical for each in explained.features}
        nearest = min(
            BEHAVIOURS, key=lambda each: abs(np.log(each.duration_h / typical["duration_h"]))
        )
        assert typical["duration_h"] == pytest.approx(nearest.duration_h, rel=0.15)
        assert typical["start_hour"] == pytest.approx(nearest.hour, abs=0.7)
        assert typical["mean_power_kw"] == pytest.approx(nearest.power_kw, rel=0.3)
        stays.add(nearest.name)
    assert stays == {each.name for each in BEHAVIOURS}


def test_shares_add_up_and_the_nearest_centre_is_the_label(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    labels = made_model.label(made_features[:200])["kmeans_cluster"].to_list()
    explained = explain_clusters(made_model.clusters, session_values(made_features[:200]))
    assert [each.centres[0].cluster for each in explained] == labels
    for each in explained:
        assert sum(feature.share for feature in each.features) == pytest.approx(1)
        distances = [centre.distance for centre in each.centres]
        assert distances == sorted(distances)


def test_what_tells_a_fast_stop_from_a_night_is_its_length_or_power(
    made_model: ModelBundle, made_features: pl.DataFrame
) -> None:
    fast = made_features.filter(pl.col("duration_h") < 1)[:50]
    for explained in explain_clusters(made_model.clusters, session_values(fast)):
        assert explained.features[0].feature in {"duration_h", "mean_power_kw"}
