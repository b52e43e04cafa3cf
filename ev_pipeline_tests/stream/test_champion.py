"""The worker's champion: whoever is it labels, and is in memory before."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.storage.promotion import promote
from ev_pipeline.stream.champion import Ahead, Champion
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def reads(engine: sa.Engine, settings: Settings) -> Iterator[list[str]]:
    """How often an artifact was read, in a database with sessions and a champion."""
    load_file(engine, settings, load_mapping("canonical"), SESSIONS)
    promote(engine, register(engine, 1), reason="first", promoted_at=NOW)
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "ev_model.artifact \n" in statement:
            found.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(engine, "before_cursor_execute", note)


def labels_by(engine: sa.Engine, champion: Champion) -> str | None:
    with engine.begin() as connection:
        labeller = champion.for_transaction(connection, NOW)
    return labeller.version if labeller else None


def test_a_promotion_of_what_was_seen_before_reads_nothing(
    engine: sa.Engine, reads: list[str]
) -> None:
    champion = Champion(engine)
    first = labels_by(engine, champion)
    assert len(reads) == 1
    second = register(engine, 2)
    with Ahead(champion):
        wait_until(lambda: len(reads) == 2, within_s=30)
    promote(engine, second, reason="second", promoted_at=NOW)
    reads.clear()
    assert labels_by(engine, champion) == second != first
    assert reads == []


def test_a_champion_that_nobody_saw_before_is_read(engine: sa.Engine, reads: list[str]) -> None:
    champion = Champion(engine)
    champion.look_ahead()
    second = register(engine, 2)
    promote(engine, second, reason="second", promoted_at=NOW)
    reads.clear()
    assert labels_by(engine, champion) == second
    assert len(reads) == 1


def test_a_new_version_that_cannot_be_read_troubles_nobody_before_it_is_champion(
    engine: sa.Engine, reads: list[str]
) -> None:
    champion = Champion(engine)
    first = labels_by(engine, champion)
    register(engine, 2)
    with engine.begin() as connection:
        connection.exec_driver_sql("update ev_model set artifact = 'x' where not is_champion")
    with Ahead(champion):
        wait_until(lambda: len(reads) == 2, within_s=30)
    champion.look_ahead()
    assert len(reads) == 2  # once of each
    assert labels_by(engine, champion) == first
