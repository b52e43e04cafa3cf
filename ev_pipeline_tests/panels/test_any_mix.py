"""Whatever is loaded, repeated, corrected and taken back, folded or not: panels are a recount."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa

from ev_pipeline.domain.periods import read_period
from ev_pipeline.panels.period_report import report_period
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.settings import Settings
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.intake.test_any_mix import ANY_MIX, CHAIN, Play, steps
from ev_pipeline_tests.panels.panel_recounts import RECOUNTS
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.panels.same import assert_same

NOW = datetime(2024, 5, 7, tzinfo=UTC)


class Watched(Play):
    """The same steps; after each, panels and a report are held against the raw tables."""

    def check(self) -> None:
        tables = Tables.read(self.engine, self.settings.timezone)
        panels = build_round(self.engine, self.settings, [*RECOUNTS, "live"], generated_at=NOW)
        for name, recount in RECOUNTS.items():
            assert_same(panels[name]["data"], recount(tables), name)
        shown = {session["source_session_id"] for session in panels["live"]["data"]}
        assert shown == {row["source_session_id"] for row in tables.sessions}
        first, last = date(2024, 5, 5), date(2024, 5, 7)
        period = read_period(f"{first}", f"{last}", self.settings.zone)
        for station_id in (None, *sorted({row["station_id"] for row in tables.stations})):
            report = report_period(self.engine, self.settings, period, station_id)
            assert_same(report, tables.period(first, last, station_id))


def watch(engine: sa.Engine, settings: Settings, folder: Path, chosen: list[Any]) -> None:
    tables = ", ".join(table.name for table in SCHEMA.sorted_tables)
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {tables}"))
    game = Watched(engine, settings, folder)
    try:
        for step in chosen:
            game.step(*step)
            game.check()
    finally:
        game.release()


@hypothesis.settings(ANY_MIX, max_examples=6)
@hypothesis.given(chosen=steps)
@hypothesis.example(chosen=[("hold",), *CHAIN, ("undo", 1), ("undo", 1)])
def test_any_mix_of_loads_and_undos_is_shown_as_it_is(
    engine: sa.Engine, settings: Settings, tmp_path: Path, chosen: list[Any]
) -> None:
    watch(engine, settings.model_copy(update={"timezone": "Australia/Lord_Howe"}), tmp_path, chosen)


@pytest.mark.long
@pytest.mark.timeout(3600)
@hypothesis.settings(ANY_MIX, max_examples=300)
@hypothesis.given(chosen=steps)
def test_any_mix_of_loads_and_undos_is_shown_as_it_is_for_long(
    engine: sa.Engine, settings: Settings, tmp_path: Path, chosen: list[Any]
) -> None:
    watch(engine, settings.model_copy(update={"timezone": "America/New_York"}), tmp_path, chosen)
