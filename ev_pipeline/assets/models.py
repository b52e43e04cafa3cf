"""Group models: the three parts of a model version, trained on one snapshot of the features.

What lives here: one asset a model. What does not: the methods (`domain.models`), bundling the parts
to a version and choosing the champion (`champion`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final

import dagster as dg
import polars as pl
import sqlalchemy as sa
from pydantic import Field

from ev_pipeline.assets.features import session_features
from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS, markdown_table
from ev_pipeline.assets.plots import plot_sessions
from ev_pipeline.domain.models.artifact import UnreadableModelError
from ev_pipeline.domain.models.bundle import ModelBundle, content_hash
from ev_pipeline.domain.models.plots import plot_points
from ev_pipeline.domain.models.training import (
    TrainedPart,
    train_dbscan,
    train_isolation_forest,
    train_kmeans,
)
from ev_pipeline.resources import Database
from ev_pipeline.settings import Settings
from ev_pipeline.storage.features import read_training_sessions
from ev_pipeline.storage.promotion import read_champion_bundle
from ev_pipeline.storage.registry import ModelPart, save_part

GROUP: Final = "models"
_KINDS: Final = {"scikitlearn", "postgres"}
_LABEL_NAMES: Final = {
    "dbscan": {-1: "noise"},
    "isolation_forest": {0: "ordinary", 1: "anomaly"},
}
"""What a picture calls labels that are no plain number, by model."""


_Train = Callable[[pl.DataFrame], TrainedPart]


class Choices(dg.Config):
    """What one run trains by, in place of the stack's settings."""

    clusters: int | None = Field(
        None, ge=2, le=12, description="number of clusters, not to be found"
    )
    seed: int | None = Field(None, description="seed of everything random in training")
    false_alarm_rate: float | None = Field(
        None, gt=0, lt=0.5, description="share of ordinary sessions that may be called anomalies"
    )

    def over(self, settings: Settings) -> Settings:
        """The settings, but for what was chosen."""
        names = ("clusters", "seed", "false_alarm_rate")
        chosen = {name: getattr(self, name) for name in names}
        return settings.model_copy(
            update={name: value for name, value in chosen.items() if value is not None}
        )


@dg.asset(
    deps=[session_features],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
)
def kmeans_model(
    context: dg.AssetExecutionContext,
    config: Choices,
    database: Database,
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Groups of sessions alike in hour, stay, energy and power: as many as these bear out."""
    chosen = config.over(settings)
    with database.engine() as engine:
        champion = readable_champion(engine, context.log)
    former = None if champion is None else champion.clusters

    def train(sessions: pl.DataFrame) -> TrainedPart:
        return train_kmeans(sessions, k=chosen.clusters, seed=chosen.seed, former=former)

    return _trained(context, database, train, seed=chosen.seed)


@dg.asset(
    deps=[session_features],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
)
def dbscan_model(
    context: dg.AssetExecutionContext,
    config: Choices,
    database: Database,
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """Dense regions of sessions, and which sessions lie in none (noise)."""
    chosen = config.over(settings)

    def train(sessions: pl.DataFrame) -> TrainedPart:
        return train_dbscan(sessions, seed=chosen.seed)

    return _trained(context, database, train, seed=chosen.seed)


@dg.asset(
    deps=[session_features],
    group_name=GROUP,
    kinds=_KINDS,
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
)
def isolation_forest_model(
    context: dg.AssetExecutionContext,
    config: Choices,
    database: Database,
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult[None]:
    """What is unexpected of a session given its user, its station and its hour."""
    chosen = config.over(settings)

    def train(sessions: pl.DataFrame) -> TrainedPart:
        return train_isolation_forest(
            sessions, seed=chosen.seed, false_alarm_rate=chosen.false_alarm_rate
        )

    return _trained(context, database, train, seed=chosen.seed)


def training_id(context: dg.AssetExecutionContext) -> str:
    """What the parts of one training share: the run, also where it is repeated from a failure."""
    return context.run.root_run_id or context.run.run_id


def readable_champion(engine: sa.Engine, log: dg.DagsterLogManager) -> ModelBundle | None:
    """The champion's model; null where there is none, or where this release cannot read it.

    That is said in the run's log and keeps no training from giving another.
    """
    try:
        return read_champion_bundle(engine)
    except UnreadableModelError as error:
        log.warning("training goes on as if there were no champion: %s", error)
        return None


def _trained(
    context: dg.AssetExecutionContext, database: Database, train: _Train, *, seed: int
) -> dg.MaterializeResult[None]:
    since = perf_counter()
    # Whoever is forgotten meanwhile would be in what is learnt from sessions that are read before.
    with database.engine_for_models(context.run) as engine:
        sessions = read_training_sessions(engine)
        trained = train(sessions)
        with engine.begin() as connection:
            save_part(connection, training_id(context), _as_stored(trained))
    seconds = round(perf_counter() - since, 3)
    points = plot_points(sessions, trained, seed=seed)
    return dg.MaterializeResult(
        metadata={
            "seconds": seconds,
            "training_sessions": len(sessions),
            "artifact_bytes": len(trained.artifact),
            "plot": _plot(points, trained.name),
            **{name: _shown(value) for name, value in trained.measures.items()},
            "parameters": trained.parameters,
        }
    )


def _plot(points: pl.DataFrame, model: str) -> dg.MarkdownMetadataValue:
    title = model.replace("_", " ")
    return plot_sessions(points, title=title, names=_LABEL_NAMES.get(model, {}))


def _as_stored(trained: TrainedPart) -> ModelPart:
    return ModelPart(
        name=trained.name,
        parameters=trained.parameters,
        measures=trained.measures,
        artifact=trained.artifact,
        artifact_sha256=content_hash(trained.artifact),
        trained_at=datetime.now(UTC),
    )


def _shown(measure: Any) -> Any:
    """A measure as Dagster shows it best: a list of records is a table, a float four digits."""
    if isinstance(measure, list) and measure and isinstance(measure[0], dict):
        return markdown_table(measure)
    if isinstance(measure, list):
        return [_shown(each) for each in measure]
    return float(f"{measure:.4g}") if isinstance(measure, float) else measure
