"""The lineage graph, pinned: a change of it is meant, or this fails."""

import dagster as dg
import pytest

from ev_pipeline.definitions import build_definitions
from ev_pipeline.settings import Settings
from ev_pipeline.storage.tables.schema import SCHEMA

GRAPH = {
    "ev_station": ("records", {"postgres"}, set()),
    "ev_session": ("records", {"postgres"}, {"ev_station"}),
    "user_features": ("features", {"polars", "postgres"}, {"ev_session"}),
    "station_features": ("features", {"polars", "postgres"}, {"ev_session"}),
    "session_features": (
        "features",
        {"polars", "postgres"},
        {"ev_session", "user_features", "station_features"},
    ),
    "kmeans_model": ("models", {"scikitlearn", "postgres"}, {"session_features"}),
    "dbscan_model": ("models", {"scikitlearn", "postgres"}, {"session_features"}),
    "isolation_forest_model": ("models", {"scikitlearn", "postgres"}, {"session_features"}),
    "champion_model": (
        "models",
        {"postgres"},
        {"kmeans_model", "dbscan_model", "isolation_forest_model"},
    ),
    "session_labels": ("labels", {"polars", "postgres"}, {"ev_session", "champion_model"}),
    "cluster_profiles": ("labels", {"polars", "postgres"}, {"session_labels"}),
    "drift_report": ("labels", {"polars", "postgres"}, {"session_labels"}),
    "dashboard": (
        "dashboard",
        {"mqtt", "postgres"},
        {"session_labels", "cluster_profiles", "drift_report"},
    ),
}
CHECKS = {
    ("ev_session", "ledger_adds_up"): False,
    ("ev_session", "no_duplicate_ids"): False,
    ("ev_session", "quarantined_share"): False,
    ("user_features", "feature_ranges"): False,
    ("station_features", "feature_ranges"): False,
    ("session_features", "feature_ranges"): True,
    ("session_labels", "every_session_labelled"): False,
    ("session_labels", "no_session_waits_for_its_label"): False,
    ("session_labels", "no_cluster_over_95_percent"): False,
    ("cluster_profiles", "shares_within_gates"): False,
}
"""Every check, and whether it blocks."""

TABLES = {
    "ev_station": "ev_station",
    "ev_session": "ev_session",
    "user_features": "ev_user_features",
    "station_features": "ev_station_features",
    "session_features": "ev_session_features",
    "session_labels": "ev_session_label",
    "cluster_profiles": "ev_cluster_profile",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    settings = Settings()
    return build_definitions(settings, {"database": None, "settings": settings})


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    graph = definitions.resolve_asset_graph()
    return {
        key.to_user_string(): graph.get(key).to_asset_spec() for key in graph.get_all_asset_keys()
    }


def test_the_graph_has_these_assets_in_these_groups_and_this_order(
    specs: dict[str, dg.AssetSpec],
) -> None:
    found = {
        name: (
            spec.group_name,
            spec.kinds,
            {dependency.asset_key.to_user_string() for dependency in spec.deps},
        )
        for name, spec in specs.items()
    }
    assert found == GRAPH


def test_every_asset_says_what_it_is_and_who_answers_for_it(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in specs.items():
        assert spec.description, name
        assert spec.owners, name
        assert spec.code_version, name


def test_labels_that_no_night_renewed_are_stale(specs: dict[str, dg.AssetSpec]) -> None:
    limited = {name for name, spec in specs.items() if spec.freshness_policy}
    assert limited == {"session_labels"}


def test_every_check_says_what_it_checks_and_only_one_that_prevents_harm_blocks(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    specs = [graph.get_check_spec(key) for key in graph.asset_check_keys]
    assert {(spec.asset_key.to_user_string(), spec.name): spec.blocking for spec in specs} == CHECKS
    assert all(spec.description for spec in specs)


@pytest.mark.parametrize(("asset", "table"), TABLES.items())
def test_an_assets_columns_are_its_tables_with_their_comments(
    specs: dict[str, dg.AssetSpec], asset: str, table: str
) -> None:
    schema = specs[asset].metadata["dagster/column_schema"]
    columns = schema.value.columns if hasattr(schema, "value") else schema.columns
    assert {column.name: column.description for column in columns} == {
        column.name: column.comment for column in SCHEMA.tables[table].columns
    }
    assert all(column.type for column in columns)
