"""Loads what a test writes down, through real files."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ev_pipeline.intake.job import LoadResult
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.undo import undo_load
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline_tests.intake.files import CANONICAL, STATIONS, write_sessions, write_table


class Loader:
    """Loads sessions and registries as files into the test's database; calling it loads sessions.

    Args:
        engine: the test's database.
        settings: the settings that every load has.
        folder: where the files are written.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, folder: Path) -> None:
        self.engine = engine
        self.settings = settings
        self.folder = folder

    def __call__(self, *sessions: dict[str, Any], mapping: Mapping = CANONICAL) -> LoadResult:
        path = write_sessions(self.folder / "sessions.json", sessions)
        return load_file(self.engine, self.settings, mapping, path)

    def registry(self, *found: dict[str, Any], mapping: Mapping = STATIONS) -> LoadResult:
        """Load stations or sites."""
        path = write_table(self.folder / "registry.csv", list(found))
        return load_file(self.engine, self.settings, mapping, path)

    def undo(self, load_id: int) -> list[int]:
        """Take a load back; returns the loads that had met its records."""
        return undo_load(self.engine, self.settings, load_id).to_load_again


def counts(result: LoadResult) -> dict[str, int]:
    """What became of the records, without the zeros."""
    return {name: n for name, n in result.tally.counts.as_columns().items() if n}
