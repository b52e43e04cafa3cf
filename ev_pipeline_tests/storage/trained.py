"""Model versions trained on the shipped sample, for tests of the registry and of labels.

What lives here: training once a seed, and registering. What does not: promotion.
"""

from datetime import UTC, datetime
from functools import cache

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.models.bundle import ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.training import train_dbscan, train_isolation_forest, train_kmeans
from ev_pipeline.storage.registry import ModelVersion, save_version
from ev_pipeline_tests.storage.sample import sample_sessions

TRAINED_AT = datetime(2026, 1, 1, 2, 30, tzinfo=UTC)


def own_features(sessions: pl.DataFrame) -> pl.DataFrame:
    """What labels and training need of rows of `ev_session`."""
    times = {
        "started_us": "started_at",
        "ended_us": "ended_at",
        "started_local_us": "started_local_at",
    }
    integers = sessions.with_columns(
        pl.col(time).dt.epoch("us").alias(name) for name, time in times.items()
    )
    return (
        describe_sessions(integers.lazy())
        .collect()
        .join(sessions.select("session_id", "started_at"), on="session_id")
    )


@cache
def artifact_of(seed: int) -> bytes:
    """The bundle that the sample gives with this seed."""
    features = own_features(sample_sessions())
    parts = [
        train_kmeans(features, k=3 + seed % 3, seed=seed),
        train_dbscan(features, seed=seed),
        train_isolation_forest(features, seed=seed, false_alarm_rate=0.02),
    ]
    return bundle({part.name: part.artifact for part in parts})


def register(engine: sa.Engine, seed: int) -> str:
    """Register the version of this seed, and return its name."""
    artifact = artifact_of(seed)
    sha256 = content_hash(artifact)
    names = ModelBundle.from_bytes(artifact, sha256).clusters.name_of
    record = ModelVersion(
        version=f"2026010{seed}T023000Z-{sha256[:8]}",
        trained_at=TRAINED_AT.replace(day=seed),
        parameters={"kmeans": {"seed": seed}},
        measures={},
        verdict=None,
        cluster_names={str(number): name for number, name in names.items()},
        artifact_sha256=sha256,
        is_champion=False,
        promoted_at=None,
        reason=None,
    )
    with engine.begin() as connection:
        return save_version(connection, record, artifact).version
