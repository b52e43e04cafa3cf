"""Each panel equals a count over the raw tables."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.panels.live_panels import TREND_DAYS
from ev_pipeline.panels.rounds import build_round
from ev_pipeline.panels.state_panels import StreamState
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.panels.made_sessions import sessions_about_clock_changes
from ev_pipeline_tests.panels.panel_recounts import RECOUNTS
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.panels.same import assert_same

NOW = datetime(2024, 11, 5, 12, tzinfo=UTC)
ALL = [*RECOUNTS, "live", "pipeline", "clusters", "anomalies", "models"]


def build(engine: sa.Engine, settings: Settings, *names: str) -> dict[str, dict[str, Any]]:
    return build_round(engine, settings, names or ALL, generated_at=NOW)


def test_panels_equal_a_recount_over_clock_changes_and_midnights(
    engine: sa.Engine, zoned: Settings, load_zoned: Loader
) -> None:
    load_zoned.registry(
        {"station_id": "A", "connectors": 2, "latitude": 38.7, "longitude": -9.1},
        {"station_id": "C", "connectors": 1, "latitude": 38.7, "longitude": -9.1},
    )
    load_zoned(*sessions_about_clock_changes())
    tables = Tables.read(engine, zoned.timezone)
    panels = build(engine, zoned)
    for name, recount in RECOUNTS.items():
        assert_same(panels[name]["data"], recount(tables), name)


def test_every_panel_says_whose_days_money_and_model_it_shows(
    engine: sa.Engine, zoned: Settings, load_zoned: Loader
) -> None:
    load_zoned(a_session(), a_session(session_id="S2", energy_kwh=0))
    (as_of,) = rows(engine, "select max(seq) from ev_session_change")
    for name, panel in build(engine, zoned).items():
        assert list(panel) == [
            *("panel", "generated_at", "as_of", "timezone", "currency", "model_version"),
            *("n_sessions", "n_excluded", "data"),
        ]
        expected = {"panel": name, "generated_at": NOW, "as_of": as_of, "currency": "EUR"}
        assert_same(panel, {**expected, "timezone": zoned.timezone, "model_version": None})
        assert panel["n_sessions"] == (0 if name in {"clusters", "anomalies"} else 1), name
        assert panel["n_excluded"] == 1, name


def test_an_empty_database_has_every_panel(engine: sa.Engine, settings: Settings) -> None:
    panels = build(engine, settings)
    assert panels["summary"]["data"]["n_sessions"] == 0
    assert panels["summary"]["data"]["mean_energy_kwh"] is None
    assert panels["live"]["data"] == []
    assert len(panels["time_of_day"]["data"]["cells"]) == 168


def test_no_panel_has_more_than_500_points_nor_who_charged(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(
        *(
            a_session(
                session_id=f"S{number}",
                station_id=f"station-{number}",
                user_id=f"secret-{number}",
                started_at=f"{day:%Y-%m-%d}T08:00:00Z",
                ended_at=f"{day:%Y-%m-%d}T10:00:00Z",
            )
            for number in range(600)
            for day in [date(2015, 1, 1) + timedelta(weeks=number)]
        )
    )
    panels = build(engine, settings)
    assert "secret" not in repr(panels)
    for panel in panels.values():
        assert max(map(len, lists_in(panel)), default=0) <= 500
    assert panels["stations"]["data"]["n_stations"] == 600
    assert len(panels["trend_daily"]["data"]["days"]) == TREND_DAYS
    assert len(panels["trend_weekly"]["data"]["weeks"]) == 260


def lists_in(value: Any) -> list[list[Any]]:
    if isinstance(value, dict):
        return [found for part in value.values() for found in lists_in(part)]
    if isinstance(value, list):
        return [value, *(found for part in value for found in lists_in(part))]
    return []


def test_live_shows_what_was_stored_last_first_and_nothing_that_went(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    def live() -> list[str]:
        panel = build(engine, settings, "live")["live"]
        return [session["source_session_id"] for session in panel["data"]]

    stated = "2024-05-07T00:00:00Z"
    old = load(
        *(
            a_session(session_id=f"old-{n}", connector_id=str(n), updated_at=stated)
            for n in range(30)
        )
    )
    assert len(live()) == 20
    load(
        a_session(
            session_id="late", started_at="2019-05-06T08:00:00Z", ended_at="2019-05-06T09:00:00Z"
        )
    )
    assert (live()[0], len(live())) == ("late", 20)
    load(
        a_session(
            session_id="old-7", connector_id="7", energy_kwh=9.5, updated_at="2024-06-01T00:00:00Z"
        )
    )
    assert live()[:2] == ["old-7", "late"]
    assert live().count("old-7") == 1
    assert old.load_id is not None
    load.undo(old.load_id)
    assert set(live()) == {"late", "old-7"}


def test_a_session_over_midnight_is_taken_apart_where_the_window_begins(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load.registry({"station_id": "A", "connectors": 1, "latitude": 0, "longitude": 0})
    load(
        a_session(
            session_id="into",
            started_at="2024-05-03T20:00:00Z",
            ended_at="2024-05-04T05:00:00Z",
            charging_duration_h=6,
        ),
        a_session(
            session_id="last",
            started_at="2024-05-31T23:00:00Z",
            ended_at="2024-06-01T02:00:00Z",
            charging_duration_h=0.5,
        ),
    )
    data = build(engine, settings, "stations")["stations"]["data"]
    assert (data["first_day"], data["last_day"]) == (date(2024, 5, 4), date(2024, 5, 31))
    (station,) = data["stations"]
    taken = station["utilisation"]
    assert taken["occupied_h"] == 5 + 1
    assert taken["charging_h"] == 2 + 0.5
    assert taken["occupied_share"] == pytest.approx(6 / (28 * 24))
    assert taken["n_sessions"] == 1


def test_what_needs_a_charging_time_is_null_without_one_and_says_how_many_tell(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session())
    summary = build(engine, settings, "summary")["summary"]["data"]
    assert (summary["mean_charging_h"], summary["charging_share"]) == (None, 0.0)
    assert (summary["mean_idle_h"], summary["idle_share"]) == (None, 0.0)
    load(a_session(session_id="S2", connector_id="2", charging_duration_h=0.5))
    summary = build(engine, settings, "summary")["summary"]["data"]
    assert (summary["mean_charging_h"], summary["charging_share"]) == (0.5, 0.5)
    assert (summary["mean_idle_h"], summary["idle_share"]) == (1.5, 0.5)


def test_numbers_beyond_all_measure_break_no_panel(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(
        *(
            a_session(
                session_id=f"S{n}",
                connector_id=str(n),
                cost=1.7e308,
                currency="EUR",
                charging_duration_h=1.7e308,
                ended_at="2024-05-08T08:00:00Z",
            )
            for n in range(3)
        )
    )
    panels = build(engine, settings)
    assert panels["summary"]["data"]["n_sessions"] == 3
    assert panels["summary"]["data"]["total_cost"] == pytest.approx(1.7976931348623157e308)


def test_the_worker_says_of_itself_what_no_table_holds(
    engine: sa.Engine, settings: Settings
) -> None:
    stream = StreamState(in_flight=3, redelivered=1, queue_depth=None, lag_seconds=0.25)
    panels = build_round(engine, settings, ["pipeline"], generated_at=NOW, stream=stream)
    assert panels["pipeline"]["data"]["stream"]["lag_seconds"] == 0.25


def test_a_round_shows_one_moment_though_a_load_ends_in_the_midst(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(a_session())
    during: list[Callable[[], object]] = [lambda: load(a_session(session_id="S2", station_id="B"))]
    panels = build_round(
        engine, settings, slowly(["summary", "live", "users", "stations"], during), generated_at=NOW
    )
    assert rows(engine, "select count(*) from ev_session") == [2]
    assert {panel["n_sessions"] for panel in panels.values()} == {1}
    assert len({panel["as_of"] for panel in panels.values()}) == 1


def slowly(names: list[str], during: list[Callable[[], object]]) -> Any:
    """The names one by one; after the first, what happens meanwhile."""
    for name in names:
        yield name
        while during:
            during.pop()()
