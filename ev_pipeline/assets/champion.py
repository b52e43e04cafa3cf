"""Group models: the champion, whose labels everybody sees.

What lives here: bundling a training's parts to a version, and the decision to promote it.
What does not: the promotion itself (`storage.promotion`).
"""

from datetime import UTC, datetime
from time import perf_counter

import dagster as dg
import sqlalchemy as sa

from ev_pipeline.assets.metadata import MODELS_POOL, OWNERS
from ev_pipeline.assets.models import (
    GROUP,
    dbscan_model,
    isolation_forest_model,
    kmeans_model,
    training_id,
)
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import PARTS, bundle, content_hash
from ev_pipeline.resources import Database
from ev_pipeline.storage import registry
from ev_pipeline.storage.promotion import promote
from ev_pipeline.storage.registry import ModelVersion

_SAME_AS_CHAMPION = (
    "kept: this training gave the champion's model again, byte for byte;"
    " same data and settings, same labels"
)

_WAS_REPLACED = (
    "kept back: this training gave a former champion again, which was replaced on purpose;"
    " `ev-pipeline models promote` brings it back"
)


@dg.asset(
    deps=[kmeans_model, dbscan_model, isolation_forest_model],
    group_name=GROUP,
    kinds={"postgres"},
    owners=OWNERS,
    pool=MODELS_POOL,
    code_version="1",
)
def champion_model(
    context: dg.AssetExecutionContext, database: Database
) -> dg.MaterializeResult[None]:
    """The model version whose labels are shown: the three parts of one training, bundled.

    The newest valid version is promoted; one that equals the champion is not a new version.
    """
    since = perf_counter()
    with database.engine_for_models(context.run) as engine:
        version = _register(engine, training_id(context))
        decision = _promote_unless_champion(engine, version)
    return dg.MaterializeResult(
        metadata={
            "version": version.version,
            "trained_at": dg.MetadataValue.timestamp(version.trained_at),
            "verdict": version.verdict or "not given",
            "clusters": ", ".join(version.cluster_names.values()),
            **decision,
            "seconds": round(perf_counter() - since, 3),
            "parameters": version.parameters,
            "measures": version.measures,
        }
    )


def _register(engine: sa.Engine, training_id: str) -> ModelVersion:
    """The version that this training's parts make, or the registered one with the same content.

    Raises:
        PipelineError: the training has not made all parts.
    """
    with engine.begin() as connection:
        parts = registry.read_parts(connection, training_id)
        if missing := sorted(set(PARTS) - set(parts)):
            raise PipelineError(
                f"this run has not trained {', '.join(missing)}",
                mend="materialize the three models and champion_model in one run: job retrain",
            )
        artifact = bundle({name: part.artifact for name, part in parts.items()})
        artifact_sha256 = content_hash(artifact)
        trained_at = max(part.trained_at for part in parts.values())
        record = ModelVersion(
            version=f"{trained_at:%Y%m%dT%H%M%SZ}-{artifact_sha256[:8]}",
            trained_at=trained_at,
            parameters={name: part.parameters for name, part in parts.items()},
            measures={name: part.measures for name, part in parts.items()},
            verdict=parts["kmeans"].measures["verdict"],
            cluster_names={
                str(cluster["number"]): cluster["name"]
                for cluster in parts["kmeans"].measures["clusters"]
            },
            artifact_sha256=artifact_sha256,
            is_champion=False,
            promoted_at=None,
            reason=None,
        )
        registered = registry.save_version(connection, record, artifact)
        registry.delete_other_parts(connection, training_id)
    return registered


def _promote_unless_champion(engine: sa.Engine, version: ModelVersion) -> dict[str, str | float]:
    if version.is_champion:
        return {"decision": _SAME_AS_CHAMPION}
    if version.promoted_at is not None:
        return {"decision": _WAS_REPLACED}
    reason = "the newest version that was trained"
    done = promote(engine, version.version, reason=reason, promoted_at=datetime.now(UTC))
    return {
        "decision": f"promoted: {reason}",
        "previous": done.previous or "none",
        "labels_written": done.n_labels,
        "champion_locked_s": round(done.held_s, 4),
    }
