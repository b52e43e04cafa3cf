"""The model registry: parts in training, versions, and which one is the champion.

What lives here: reading and writing `ev_model` and `ev_model_part`, one statement each.
What does not: training (`domain.models`), labels (`labels`), the way a champion is made of a
version while others read and write (`promotion`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ev_pipeline.storage.planned import planned
from ev_pipeline.storage.tables.models import ev_model, ev_model_part

_CHAMPION: Final = planned("select version, artifact_sha256 from ev_model where is_champion")
_SHARE_CHAMPION: Final = planned(f"{_CHAMPION.text} for share")


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One trained part of a version that is not bundled yet.

    Args:
        name: kmeans, dbscan or isolation_forest.
        parameters: settings and seed of its training.
        measures: what was measured of it.
        artifact: its arrays.
        artifact_sha256: hash of `artifact`.
        trained_at: when it was trained, UTC.
    """

    name: str
    parameters: dict[str, Any]
    measures: dict[str, Any]
    artifact: bytes
    artifact_sha256: str
    trained_at: datetime


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version in the registry, without its artifact."""

    version: str
    trained_at: datetime
    parameters: dict[str, Any]
    measures: dict[str, Any]
    verdict: str | None
    cluster_names: dict[str, str]
    artifact_sha256: str
    is_champion: bool
    promoted_at: datetime | None
    reason: str | None
    card: str | None = None


_RECORD: Final = [ev_model.c[name] for name in ModelVersion.__dataclass_fields__]


def save_part(connection: sa.Connection, training_id: str, part: ModelPart) -> None:
    """Keep `part` until its training is bundled; a repeated training replaces it."""
    values = {
        "parameters": part.parameters,
        "measures": part.measures,
        "artifact": part.artifact,
        "artifact_sha256": part.artifact_sha256,
        "trained_at": part.trained_at,
    }
    connection.execute(
        pg.insert(ev_model_part)
        .values(training_id=training_id, part=part.name, **values)
        .on_conflict_do_update(index_elements=["training_id", "part"], set_=values)
    )


def read_parts(connection: sa.Connection, training_id: str) -> dict[str, ModelPart]:
    """The parts that this training has made so far, by name."""
    rows = connection.execute(
        sa.select(ev_model_part)
        .where(ev_model_part.c.training_id == training_id)
        .order_by(ev_model_part.c.part)
    )
    return {
        row.part: ModelPart(
            name=row.part,
            parameters=row.parameters,
            measures=row.measures,
            artifact=bytes(row.artifact),
            artifact_sha256=row.artifact_sha256,
            trained_at=row.trained_at,
        )
        for row in rows
    }


def delete_other_parts(connection: sa.Connection, training_id: str) -> None:
    """Drop what earlier trainings left; this one's parts stay, so that its run can be repeated."""
    connection.execute(sa.delete(ev_model_part).where(ev_model_part.c.training_id != training_id))


def save_version(connection: sa.Connection, version: ModelVersion, artifact: bytes) -> ModelVersion:
    """Register a version; where one with the same content is there, what is said of it is renewed.

    Args:
        connection: an open transaction.
        version: what to register; its `is_champion` must be false.
        artifact: the bundle, whose hash is `version.artifact_sha256`.

    Returns:
        The version that holds this content: the given one, or the older one.
    """
    known = find_content(connection, version.artifact_sha256)
    if known is None:
        values = {name: getattr(version, name) for name in ModelVersion.__dataclass_fields__}
        connection.execute(sa.insert(ev_model).values(**values, artifact=artifact))
        return version
    if known.promoted_at is not None:
        return known
    judged = {name: getattr(version, name) for name in ("measures", "reason", "card")}
    connection.execute(
        sa.update(ev_model).where(ev_model.c.version == known.version).values(**judged)
    )
    return replace(known, **judged)


def find_content(connection: sa.Connection, artifact_sha256: str) -> ModelVersion | None:
    """The version that holds this content; null where none does."""
    return find_version(connection, ev_model.c.artifact_sha256 == artifact_sha256)


def find_version(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> ModelVersion | None:
    """The newest version that meets `condition`; null where none does."""
    row = connection.execute(
        sa.select(*_RECORD).where(condition).order_by(ev_model.c.trained_at.desc()).limit(1)
    ).one_or_none()
    return None if row is None else ModelVersion(**row._asdict())


def read_version(connection: sa.Connection, version: str) -> ModelVersion | None:
    """The version of that name; null where there is none."""
    return find_version(connection, ev_model.c.version == version)


def read_champion(connection: sa.Connection) -> ModelVersion | None:
    """The champion; null before the first promotion."""
    return find_version(connection, ev_model.c.is_champion)


def read_previous_champion(connection: sa.Connection) -> ModelVersion | None:
    """The version that was champion last before the present one; null where there is none."""
    latest = (
        sa.select(sa.func.max(ev_model.c.promoted_at)).where(~ev_model.c.is_champion)
    ).scalar_subquery()
    return find_version(connection, ~ev_model.c.is_champion & (ev_model.c.promoted_at == latest))


def list_versions(connection: sa.Connection) -> list[ModelVersion]:
    """Every version, the newest first."""
    rows = connection.execute(
        sa.select(*_RECORD).order_by(ev_model.c.trained_at.desc(), ev_model.c.version.desc())
    )
    return [ModelVersion(**row._asdict()) for row in rows]


def read_artifact(connection: sa.Connection, version: str) -> bytes:
    """The bundle of a registered version."""
    statement = sa.select(ev_model.c.artifact).where(ev_model.c.version == version)
    return bytes(connection.execute(statement).scalar_one())


def lock_champion(connection: sa.Connection) -> str | None:
    """Hold the champion's row until the transaction ends; whoever labels by it waits as long.

    Returns:
        The champion's version; null where there is none.
    """
    statement = sa.select(ev_model.c.version).where(ev_model.c.is_champion).with_for_update()
    return connection.execute(statement).scalar_one_or_none()


def share_champion(connection: sa.Connection) -> tuple[str, str] | None:
    """Keep the champion from being replaced until the transaction ends; others may share it.

    Returns:
        The champion's version and its artifact's hash; null where there is none.
    """
    while True:
        row = connection.execute(_SHARE_CHAMPION).one_or_none()
        # A promotion that this waited for leaves no row that the statement could see at its start.
        if row is not None or connection.execute(_CHAMPION).one_or_none() is None:
            return None if row is None else (row.version, row.artifact_sha256)


def make_champion(
    connection: sa.Connection, version: str, *, reason: str, promoted_at: datetime
) -> None:
    """Flip the champion; outside the transaction there is always the old one or the new one."""
    connection.execute(sa.update(ev_model).where(ev_model.c.is_champion).values(is_champion=False))
    connection.execute(
        sa.update(ev_model)
        .where(ev_model.c.version == version)
        .values(is_champion=True, reason=reason, promoted_at=promoted_at)
    )
