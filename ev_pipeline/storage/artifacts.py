"""Stored models whose users are renamed or taken out; versions keep their names.

What lives here: putting other artifacts in place of stored ones. What does not: what is in them
(`domain.models`), and which versions there are (`registry`).
"""

from typing import Any

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.models import anomaly
from ev_pipeline.domain.models.bundle import content_hash
from ev_pipeline.domain.models.rekeying import Renamed, rekey_part, rekey_version
from ev_pipeline.domain.models.values import keys_of
from ev_pipeline.storage.registry import read_artifact
from ev_pipeline.storage.tables.models import ev_model, ev_model_part


def user_keys(scopes: list[str], user_ids: list[str]) -> list[int]:
    """What models know the users by."""
    users = pl.DataFrame(
        {"scope": scopes, "user_id": user_ids},
        schema={"scope": pl.String, "user_id": pl.String},
    )
    return [int(key) for key in keys_of(users, "user_id")]


def rename_users(connection: sa.Connection, renamed: Renamed) -> int:
    """Every version and every part in training knows the users as said; returns how many changed.

    The caller holds `models_lock`. What this release cannot read is emptied, where somebody is
    renamed at all: after a night under an older release, newer versions are still there.
    """
    if not renamed:
        return 0
    n_changed = 0
    for version in connection.execute(sa.select(ev_model.c.version)).scalars().all():
        artifact = rekey_version(read_artifact(connection, version), renamed)
        if artifact is not None:
            chosen = sa.update(ev_model).where(ev_model.c.version == version)
            n_changed += connection.execute(chosen.values(**_hashed(artifact))).rowcount
    parts = sa.select(ev_model_part.c.training_id, ev_model_part.c.artifact).where(
        ev_model_part.c.part == anomaly.KIND
    )
    for row in connection.execute(parts).all():
        artifact = rekey_part(bytes(row.artifact), renamed)
        if artifact is not None:
            chosen = sa.update(ev_model_part).where(
                ev_model_part.c.training_id == row.training_id,
                ev_model_part.c.part == anomaly.KIND,
            )
            n_changed += connection.execute(chosen.values(**_hashed(artifact))).rowcount
    return n_changed


def _hashed(artifact: bytes) -> dict[str, Any]:
    return {"artifact": artifact, "artifact_sha256": content_hash(artifact)}
