"""A label is of the content that is stored now, also where that content came meanwhile."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.storage import labels
from ev_pipeline.storage.partitions import attach_partition
from ev_pipeline.storage.promotion import label_for_champion, promote
from ev_pipeline_tests.intake.files import a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.storage.trained import register

NOW = datetime(2026, 2, 1, 3, tzinfo=UTC)
SHOWN = """
    select kmeans_cluster, anomaly_score from ev_session_labelled where source_session_id = 'S1'
"""


def _label_all_anew(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from ev_session_label")
        connection.exec_driver_sql("delete from ev_reader where starts_with(reader, 'labels/')")
    label_for_champion(engine, labelled_at=NOW)


def test_a_session_undone_and_loaded_mended_while_a_model_is_promoted_gets_the_label_of_what_it_is(
    load: Loader, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(a_session(energy_kwh=1.0, ended_at="2024-05-06T08:20:00Z"))
    assert first.load_id is not None
    faulty = first.load_id
    load(a_session(session_id="S2", station_id="B"))
    version = register(engine, 1)

    def after_an_operator_mended_the_file(*arguments: Any) -> None:
        load.undo(faulty)
        load(a_session(energy_kwh=60.0, ended_at="2024-05-06T22:00:00Z"))
        attach_partition(*arguments)

    monkeypatch.setattr(labels, "attach_partition", after_an_operator_mended_the_file)
    promote(engine, version, reason="it is the first", promoted_at=NOW)
    shown = rows(engine, SHOWN)
    assert shown[0][0] is not None
    _label_all_anew(engine)
    assert shown == rows(engine, SHOWN)
