"""Group models: the champion, whose labels everybody sees.

What lives here: bundling a training's parts to a version, having it judged, and its promotion.
What does not: the rule (`domain.models.promotion`), the promotion itself (`storage.promotion`).
"""

from dataclasses import replace
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
    readable_champion,
    training_id,
)
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.bundle import PARTS, ModelBundle, bundle, content_hash
from ev_pipeline.domain.models.card import write_card
from ev_pipeline.domain.models.judgement import Subject, judge
from ev_pipeline.resources import Database
from ev_pipeline.storage import registry
from ev_pipeline.storage.features import count_warned_sessions, read_training_sessions
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
    code_version="2",
)
def champion_model(
    context: dg.AssetExecutionContext, database: Database
) -> dg.MaterializeResult[None]:
    """The model version whose labels are shown: the three parts of one training, bundled.

    A first version is promoted as it is; a later one where it is better on later sessions, or the
    champion no longer passes; one that equals the champion is not a new version.
    """
    since = perf_counter()
    with database.engine_for_models(context.run) as engine:
        trained, artifact = _bundled(engine, training_id(context))
        version, decision = _decide(engine, trained, artifact, context.log)
        with engine.begin() as connection:
            registry.delete_other_parts(connection, training_id(context))
    return dg.MaterializeResult(
        metadata={
            "version": version.version,
            "trained_at": dg.MetadataValue.timestamp(version.trained_at),
            "verdict": version.verdict or "not given",
            "clusters": ", ".join(version.cluster_names.values()),
            **decision,
            "card": dg.MetadataValue.md(version.card or "none was written"),
            "seconds": round(perf_counter() - since, 3),
            "parameters": version.parameters,
            "measures": version.measures,
        }
    )


def _bundled(engine: sa.Engine, training_id: str) -> tuple[ModelVersion, bytes]:
    """The version that this training's parts make, not registered yet, and its artifact.

    Raises:
        PipelineError: the training has not made all parts.
    """
    with engine.connect() as connection:
        parts = registry.read_parts(connection, training_id)
    if missing := sorted(set(PARTS) - set(parts)):
        raise PipelineError(
            f"this run has not trained {', '.join(missing)}",
            mend="materialize the three models and champion_model in one run: job retrain",
        )
    artifact = bundle({name: part.artifact for name, part in parts.items()})
    artifact_sha256 = content_hash(artifact)
    trained_at = max(part.trained_at for part in parts.values())
    clusters = parts["kmeans"].measures
    version = ModelVersion(
        version=f"{trained_at:%Y%m%dT%H%M%SZ}-{artifact_sha256[:8]}",
        trained_at=trained_at,
        parameters={name: part.parameters for name, part in parts.items()},
        measures={name: part.measures for name, part in parts.items()},
        verdict=clusters["verdict"],
        cluster_names={str(each["number"]): each["name"] for each in clusters["clusters"]},
        artifact_sha256=artifact_sha256,
        is_champion=False,
        promoted_at=None,
        reason=None,
        card=None,
    )
    return version, artifact


def _decide(
    engine: sa.Engine, trained: ModelVersion, artifact: bytes, log: dg.DagsterLogManager
) -> tuple[ModelVersion, dict[str, str | float]]:
    """Register the version with its card, unless it is known, and promote it where it deserves."""
    with engine.connect() as connection:
        champion = registry.read_champion(connection)
        known = registry.find_content(connection, trained.artifact_sha256)
    if known is not None and known.is_champion:
        return known, {"decision": _SAME_AS_CHAMPION}
    if known is not None and known.promoted_at is not None:
        return known, {"decision": _WAS_REPLACED}
    bundle = ModelBundle.from_bytes(artifact, trained.artifact_sha256)
    shown = readable_champion(engine, log)
    beside = None if champion is None or shown is None else Subject(shown, champion.measures)
    seed = trained.parameters["kmeans"]["seed"]
    sessions = read_training_sessions(engine)
    judgement = judge(sessions, Subject(bundle, trained.measures), beside, seed=seed)
    reason = judgement.decision.reason
    if champion is not None and shown is None:
        reason = (
            f"as it is, since the champion {champion.version} cannot be read;"
            f" verdict: {trained.verdict}"
        )
    measures = {**trained.measures, "comparison": judgement.comparison}
    data = {
        "trained at": f"{trained.trained_at:%Y-%m-%d %H:%M} UTC",
        **judgement.data,
        "left out, warned of": count_warned_sessions(engine),
    }
    card = write_card(trained.version, data=data, measures=measures, decision=reason)
    judged = replace(trained, measures=measures, reason=reason, card=card)
    with engine.begin() as connection:
        judged = registry.save_version(connection, judged, artifact)
    if not judgement.decision.is_promoted:
        return judged, {"decision": reason}
    done = promote(engine, judged.version, reason=reason, promoted_at=datetime.now(UTC))
    return judged, {
        "decision": f"promoted: {reason}",
        "previous": done.previous or "none",
        "labels_written": done.n_labels,
        "champion_locked_s": round(done.held_s, 4),
    }
