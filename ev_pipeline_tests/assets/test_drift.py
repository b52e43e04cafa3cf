"""The drift report on a real database and broker: what it says, alerts, and asks for."""

import json
import uuid
from datetime import datetime, timedelta

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.assets.drift import NOT_DRIFTING
from ev_pipeline.automation.drift_sensor import drift_sensor
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.settings import Settings
from ev_pipeline_tests.messaging.listening import listening
from ev_pipeline_tests.panels.schemas import problems
from ev_pipeline_tests.pipeline_runs import PipelineRuns, pipeline_runs, said
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.storage.sample import sample_sessions, store


def _later(sessions: pl.DataFrame, *, hours: int) -> pl.DataFrame:
    """The sessions once more, a year later and at another time of day, as others."""
    by = timedelta(days=400, hours=hours)
    return sessions.with_columns(
        *(pl.col(name) + by for name in ("started_at", "ended_at", "started_local_at")),
        session_id=pl.col("session_id").map_elements(
            lambda former: str(uuid.uuid5(uuid.NAMESPACE_URL, former)), pl.String
        ),
    )


def _asked(runs: PipelineRuns) -> list[str | None] | str | None:
    """The runs that the sensor asks for after the last report, or why there are none."""
    with dg.build_sensor_context(runs.instance, definitions=runs.definitions) as context:
        tick = drift_sensor.evaluate_tick(context)
    return [request.run_key for request in tick.run_requests or []] or tick.skip_message


def test_a_population_that_moves_is_alerted_once_and_asks_for_one_retraining(
    settings: Settings, engine: sa.Engine, broker: RunningBroker
) -> None:
    own = broker.reached_by("dagster", settings).model_copy(
        update={"drift_lasts_h": 0, "drift_window_days": 60}
    )
    sample = sample_sessions().filter(pl.col("started_at").dt.year() > 2020).sort("started_at")
    with engine.begin() as connection:
        store(connection, sample[:3_000])
    with pipeline_runs(own) as runs, listening(broker.login("nodered"), topics.ALERTS) as listener:
        told = said(runs.run("retrain"), "drift_report")
        assert told["state"] == "the same population"
        assert told["drifting_since"] == NOT_DRIFTING
        assert _asked(runs) == "the same population"

        with engine.begin() as connection:
            store(connection, _later(sample[:1_000], hours=8))
        first, second = (said(runs.run("label_new_sessions"), "drift_report") for _ in range(2))
        alert = listener.next()
        assert listener.heard.empty()
        assert problems("alert", alert.payload) == []
        document = json.loads(alert.payload)
        assert (document["code"], document["source"]) == ("drift", "dagster")
        assert "start_hour" in document["psi"]
        assert first["state"].startswith("drifting: start_hour")
        assert first["is_retraining_due"]
        assert second["drifting_since"] == first["drifting_since"] > 0
        panel = topics.panel("clusters")
        payload = read_retained(broker.login("nodered"), (panel,))[panel]
        assert problems("clusters", payload) == []
        shown = json.loads(payload)["data"]["drift"]
        assert shown["indices"] == second["indices"]
        assert datetime.fromisoformat(shown["drifting_since"]).timestamp() == pytest.approx(
            first["drifting_since"]
        )
        asked = [f"drift:{first['model_version']}:{first['drifting_since']:.0f}"]
        assert _asked(runs) == asked


def test_a_report_without_a_champion_says_so(
    settings: Settings, engine: sa.Engine, broker: RunningBroker
) -> None:
    with pipeline_runs(broker.reached_by("dagster", settings)) as runs:
        result = runs.run("retrain", only=["drift_report"])
        assert said(result, "drift_report")["state"] == "no model is the champion"
