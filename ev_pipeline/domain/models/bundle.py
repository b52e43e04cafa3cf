"""A model version: the three parts in one artifact, and the labels that it gives.

What lives here: bundling, checking the hash, labelling any number of sessions.
What does not: training (`training`), which version is the champion (`storage`).
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models import anomaly, dbscan, kmeans
from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.artifact import UnreadableModelError, pack, unpack
from ev_pipeline.domain.models.dbscan import DbscanModel
from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.reasons import REASON
from ev_pipeline.domain.models.values import session_values

PARTS: Final = (kmeans.KIND, dbscan.KIND, anomaly.KIND)
"""What every version holds, by name."""

LABEL_INPUTS: Final = (
    "session_id",
    "revision",
    "scope",
    "station_id",
    "user_id",
    "start_hour",
    "weekday",
    "duration_h",
    "charging_duration_h",
    "energy_kwh",
    "mean_power_kw",
    "quality_codes",
)
"""Columns that `ModelBundle.label` reads: nothing but the session's own values."""

LABEL_SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "session_revision": pl.Int32,
    "kmeans_cluster": pl.Int16,
    "dbscan_cluster": pl.Int16,
    "anomaly_score": pl.Float64,
    "is_anomaly": pl.Boolean,
    "anomaly_reasons": pl.List(REASON),
}
"""Columns of labels beside session_id, which keeps its type."""

_KIND: Final = "ev_model"
_CHUNK_SESSIONS: Final = 50_000
"""Sessions labelled at once: bounds the memory of their views and residuals to 50 MB."""


def content_hash(artifact: bytes) -> str:
    """SHA-256 of an artifact, in hexadecimal."""
    return hashlib.sha256(artifact).hexdigest()


def bundle(parts: dict[str, bytes]) -> bytes:
    """One artifact of the parts' artifacts.

    Args:
        parts: artifact of each of `PARTS`, by name.

    Raises:
        PipelineError: a part is missing, or is none of ours.
    """
    if set(parts) != set(PARTS):
        raise PipelineError(
            f"a model version holds {', '.join(PARTS)}, and these are {', '.join(sorted(parts))}",
            mend="train the three models in one run",
        )
    return pack(_KIND, {name: np.frombuffer(part, np.uint8) for name, part in parts.items()})


def unbundle(artifact: bytes) -> dict[str, bytes]:
    """The parts' artifacts that `bundle` was given, by name.

    Raises:
        UnreadableModelError: it is no bundle of this release.
    """
    parts, _ = unpack(_KIND, artifact)
    return {name: part.tobytes() for name, part in parts.items()}


@dataclass(frozen=True, slots=True)
class ModelBundle:
    """A model version in memory.

    Args:
        clusters: KMeans on the session view.
        density: DBSCAN on the session view and one deviation.
        anomalies: rules and isolation forest.
    """

    clusters: KMeansModel
    density: DbscanModel
    anomalies: AnomalyModel

    @classmethod
    def from_bytes(cls, artifact: bytes, sha256: str) -> Self:
        """The version that `bundle` made.

        Args:
            artifact: what was stored.
            sha256: the hash that was stored beside it.

        Raises:
            UnreadableModelError: the artifact has changed since, or is another release's.
        """
        found = content_hash(artifact)
        if found != sha256:
            raise UnreadableModelError(
                f"the model's artifact has SHA-256 {found[:12]}…, and {sha256[:12]}… was stored",
                mend="promote another version, or restore the table from a backup",
            )
        parts = unbundle(artifact)
        return cls(
            clusters=KMeansModel.from_bytes(parts[kmeans.KIND]),
            density=DbscanModel.from_bytes(parts[dbscan.KIND]),
            anomalies=AnomalyModel.from_bytes(parts[anomaly.KIND]),
        )

    def label(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """Label every session, whatever its values, each as if it were alone.

        Args:
            sessions: columns `LABEL_INPUTS`; only user_id and charging_duration_h may be null.

        Returns:
            session_id and the columns of `LABEL_SCHEMA`, in the order of `sessions`, none null.
        """
        inputs = sessions.select(LABEL_INPUTS)
        chunks = [
            self._label_chunk(inputs[start : start + _CHUNK_SESSIONS])
            # An empty frame is one empty chunk, so that it too gives labels' columns.
            for start in range(0, max(len(inputs), 1), _CHUNK_SESSIONS)
        ]
        return pl.concat(chunks)

    def _label_chunk(self, sessions: pl.DataFrame) -> pl.DataFrame:
        values = session_values(sessions)
        columns = [
            sessions["revision"].alias("session_revision"),
            pl.Series("kmeans_cluster", self.clusters.predict(values)),
            pl.Series("dbscan_cluster", self.density.predict(values)),
            *self.anomalies.label(sessions, values),
        ]
        # Not a query: one takes longer than all of this for a stream's few sessions.
        return pl.DataFrame(
            [sessions["session_id"], *(each.cast(LABEL_SCHEMA[each.name]) for each in columns)]
        )
