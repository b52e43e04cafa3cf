"""The registry: one content is one version, and one version is champion."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ev_pipeline.domain.models.bundle import content_hash
from ev_pipeline.storage import registry
from ev_pipeline.storage.registry import ModelPart
from ev_pipeline_tests.storage.trained import artifact_of, register


def _part(name: str, artifact: bytes) -> ModelPart:
    trained_at = datetime(2026, 1, 1, tzinfo=UTC)
    return ModelPart(name, {"seed": 1}, {"k": 4}, artifact, content_hash(artifact), trained_at)


def _crown(engine: sa.Engine, version: str, day: int) -> None:
    with engine.begin() as connection:
        promoted_at = datetime(2026, 2, day, tzinfo=UTC)
        registry.make_champion(connection, version, reason="test", promoted_at=promoted_at)


def test_the_same_content_is_the_same_version(engine: sa.Engine) -> None:
    first = register(engine, 1)
    with engine.begin() as connection:
        known = registry.read_version(connection, first)
        assert known is not None
        again = registry.save_version(
            connection,
            registry.ModelVersion(
                version="20270101T000000Z-later",
                trained_at=datetime(2027, 1, 1, tzinfo=UTC),
                parameters={},
                measures={},
                verdict=None,
                cluster_names={},
                artifact_sha256=known.artifact_sha256,
                is_champion=False,
                promoted_at=None,
                reason=None,
            ),
            artifact_of(1),
        )
        assert again == known
        assert len(registry.list_versions(connection)) == 1
        assert registry.read_artifact(connection, first) == artifact_of(1)


def test_there_is_one_champion_and_the_one_before_it_is_known(engine: sa.Engine) -> None:
    versions = [register(engine, seed) for seed in (1, 2, 3)]
    with engine.connect() as connection:
        assert registry.read_champion(connection) is None
    for day, version in enumerate([versions[0], versions[2], versions[1]], start=1):
        _crown(engine, version, day)
    with engine.connect() as connection:
        champion = registry.read_champion(connection)
        previous = registry.read_previous_champion(connection)
        newest_first = [record.version for record in registry.list_versions(connection)]
    assert champion is not None
    assert (champion.version, champion.reason) == (versions[1], "test")
    assert previous is not None
    assert previous.version == versions[2]
    assert newest_first == [versions[2], versions[1], versions[0]]


def test_the_database_refuses_a_second_champion(engine: sa.Engine) -> None:
    for seed in (1, 2):
        register(engine, seed)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("update ev_model set is_champion = true")


def test_parts_belong_to_their_training_and_a_repeated_one_replaces_them(
    engine: sa.Engine,
) -> None:
    with engine.begin() as connection:
        registry.save_part(connection, "run-1", _part("kmeans", b"old"))
        registry.save_part(connection, "run-1", _part("kmeans", b"new"))
        registry.save_part(connection, "run-2", _part("dbscan", b"other"))
        assert registry.read_parts(connection, "run-1") == {"kmeans": _part("kmeans", b"new")}
        registry.delete_other_parts(connection, "run-1")
        assert registry.read_parts(connection, "run-2") == {}
        assert set(registry.read_parts(connection, "run-1")) == {"kmeans"}
