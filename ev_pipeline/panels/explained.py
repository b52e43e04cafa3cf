"""Why listed sessions are in their clusters: worked out for those that a panel shows.

What lives here: the explanations beside a panel's rows. What does not: the explanations themselves
(`domain.models.explanation`); none is stored, since what is asked of few need not be kept of all.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ev_pipeline.domain.features import describe_sessions
from ev_pipeline.domain.models.artifact import UnreadableModelError
from ev_pipeline.domain.models.bundle import ModelBundle
from ev_pipeline.domain.models.explanation import explain_clusters
from ev_pipeline.domain.models.values import session_values
from ev_pipeline.storage.instant_labels import read_sessions
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.registry import read_artifact, read_champion

_LOG: Final = logging.getLogger(__name__)


def with_cluster_reasons(
    snapshot: Snapshot, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows with `cluster_reasons`, as an answer to `predict` has them.

    Args:
        snapshot: the moment.
        rows: sessions that the champion has labelled, with `session_id`; they stay as they are
            where there is no champion that this release can read.
    """
    champion = read_champion(snapshot.connection) if rows else None
    if champion is None:
        return [dict(row) for row in rows]
    artifact = read_artifact(snapshot.connection, champion.version)
    try:
        model = ModelBundle.from_bytes(artifact, champion.artifact_sha256)
    except UnreadableModelError as error:
        _LOG.warning("anomalies are listed without why they are in their clusters: %s", error)
        return [dict(row) for row in rows]
    sessions = read_sessions(snapshot.connection, [row["session_id"] for row in rows])
    values = session_values(describe_sessions(sessions.lazy()).collect())
    reasons = dict(
        zip(sessions["session_id"].to_list(), explain_clusters(model.clusters, values), strict=True)
    )
    return [{**row, "cluster_reasons": asdict(reasons[row["session_id"]])} for row in rows]
