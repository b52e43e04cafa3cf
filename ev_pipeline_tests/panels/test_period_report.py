"""Period reports equal a count over the raw tables, whatever clocks do."""

import csv
import json
from datetime import date
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.periods import PeriodError, read_period
from ev_pipeline.panels.period_report import as_csv, report_period
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import a_session
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.panels.made_sessions import sessions_about_clock_changes
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.panels.same import assert_same

PERIODS = [
    ("2024-03-10", "2024-03-10"),
    ("2024-03-31", "2024-03-31"),
    ("2024-04-06", "2024-04-08"),
    ("2024-10-01", "2024-11-30"),
    ("2024-01-01", "2024-12-31"),
    ("2023-01-01", "2023-01-31"),
]


def report(
    engine: sa.Engine, settings: Settings, first: str, last: str, station_id: str | None = None
) -> dict[str, Any]:
    return report_period(engine, settings, read_period(first, last, settings.zone), station_id)


def test_reports_equal_a_recount_over_clock_changes_and_midnights(
    engine: sa.Engine, zoned: Settings, load_zoned: Loader
) -> None:
    load_zoned(*sessions_about_clock_changes())
    tables = Tables.read(engine, zoned.timezone)
    assert len(tables.refused) > 5
    for first, last in PERIODS:
        for station_id in (None, "A", "B"):
            found = report(engine, zoned, first, last, station_id)
            expected = tables.period(
                date.fromisoformat(first), date.fromisoformat(last), station_id
            )
            assert_same(found, expected)


def test_a_day_without_a_session_is_listed_with_zeros_and_nulls(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session())
    days = report(engine, settings, "2024-05-05", "2024-05-07")["by_day"]
    assert [day["n_sessions"] for day in days] == [0, 1, 0]
    assert days[0] == {
        "day": "2024-05-05",
        "n_sessions": 0,
        "n_excluded": 0,
        "total_duration_h": 0.0,
        "mean_duration_h": None,
        "total_energy_kwh": 0.0,
        "mean_energy_kwh": None,
        "total_cost": None,
        "n_cost_null": 0,
        "n_other_currency": 0,
    }


def test_the_answer_has_the_fields_of_the_contract_in_their_order(
    engine: sa.Engine, settings: Settings
) -> None:
    assert list(report(engine, settings, "2024-05-05", "2024-05-05")) == [
        *("from", "to", "timezone", "n_sessions", "n_excluded", "total_duration_h"),
        *("mean_duration_h", "total_energy_kwh", "mean_energy_kwh", "total_cost"),
        *("n_cost_null", "n_other_currency", "currency", "by_day"),
    ]


def test_a_free_session_costs_nothing_and_an_unpriced_one_nobody_knows(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(
        a_session(session_id="free", cost=0, currency="EUR"),
        a_session(
            session_id="unknown", started_at="2024-05-07T08:00:00Z", ended_at="2024-05-07T09:00:00Z"
        ),
    )
    free, unknown = report(engine, settings, "2024-05-06", "2024-05-07")["by_day"]
    assert (free["total_cost"], free["n_cost_null"]) == (0.0, 0)
    assert (unknown["total_cost"], unknown["n_cost_null"]) == (None, 1)


def test_a_settled_record_is_no_longer_left_out(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session(ended_at=None, energy_kwh=None))
    assert report(engine, settings, "2024-05-06", "2024-05-06")["n_excluded"] == 1
    load(a_session())
    found = report(engine, settings, "2024-05-06", "2024-05-06")
    assert (found["n_sessions"], found["n_excluded"]) == (1, 0)


def test_the_file_has_the_reports_days_to_the_last_digit(
    engine: sa.Engine, zoned: Settings, load_zoned: Loader
) -> None:
    load_zoned(*sessions_about_clock_changes())
    found = report(engine, zoned, "2024-03-01", "2024-03-31")
    written = list(csv.DictReader(StringIO(as_csv(found))))
    for line, day in zip(written, found["by_day"], strict=True):
        assert line == {
            **{name: "" if value is None else str(value) for name, value in day.items()},
            "currency": "EUR",
            "timezone": zoned.timezone,
        }
        assert json.loads(json.dumps(day)) == day


def test_a_station_that_nobody_names_is_refused(engine: sa.Engine, settings: Settings) -> None:
    with pytest.raises(PeriodError) as caught:
        report(engine, settings, "2024-05-05", "2024-05-05", "nowhere")
    assert caught.value.code == "unknown_station"


def test_days_of_another_zone_are_never_shown_as_the_reporting_zones(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session())
    elsewhere = settings.model_copy(update={"timezone": "Asia/Tokyo"})
    with pytest.raises(PipelineError, match="ev-pipeline migrate"):
        report(engine, elsewhere, "2024-05-05", "2024-05-05")
