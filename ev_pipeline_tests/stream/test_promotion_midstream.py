"""A promotion in the middle of a stream, and labels that do not depend on who gives them."""

import csv
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.features import session_batches
from ev_pipeline.storage.promotion import load_labeller, promote
from ev_pipeline.stream.running import Stream
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.trained import register
from ev_pipeline_tests.stream.accounts import assert_accounted_for, await_received
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.streams import Charger, charging
from ev_pipeline_tests.stream.test_predict import sample_rows

N_ROWS = 3_000
LABELS = (
    "session_revision",
    "kmeans_cluster",
    "dbscan_cluster",
    "anomaly_score",
    "is_anomaly",
    "anomaly_reasons",
)


def read_until(engine: sa.Engine, stop: threading.Event) -> list[str]:
    """The versions that a reader saw: each time one, on every session."""
    seen: list[str] = []
    while not stop.is_set():
        (versions,) = rows(
            engine, "select array(select distinct model_version from ev_session_labelled)"
        )
        assert len(versions) == 1
        assert versions[0] is not None
        if seen[-1:] != versions:
            seen += versions
    return seen


def test_a_promotion_in_the_middle_leaves_none_unlabelled_and_shows_no_mixture(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, champion: str
) -> None:
    assert stream.is_up
    second = register(engine, 2)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool, Publisher(broker.add_charger()) as publisher:
        reading = pool.submit(read_until, engine, stop)
        try:
            wait_until(lambda: publisher.n_accepted > 100, within_s=WITHIN_S)
            promote(engine, second, reason="better", promoted_at=datetime.now(UTC))
            since = publisher.n_accepted
            wait_until(lambda: publisher.n_accepted > since + 300, within_s=WITHIN_S)
            with publisher.pausing():
                assert_accounted_for(engine, publisher, second, "promotion")
        finally:
            stop.set()
        assert reading.result() == [champion, second]


def batch_labels(engine: sa.Engine, version: str) -> pl.DataFrame:
    """What the batch would say of every stored session."""
    labeller = load_labeller(engine, version, labelled_at=datetime.now(UTC))
    labels = [labeller.label(sessions) for sessions in session_batches(engine)]
    return pl.concat(labels).select("session_id", *LABELS).sort("session_id")


def assert_labels_are_the_batchs(engine: sa.Engine, version: str, account: str) -> int:
    """Each instant label is the batch's; returns how many there were."""
    columns = ", ".join(f"l.{name}::text" for name in LABELS)
    stored = rows(
        engine,
        f"select l.session_id::text, {columns} from ev_session_label l"
        " join ev_session s using (session_id) where s.source = :account"
        " and l.model_version = :version and l.labelled_by = 'stream' order by 1",
        account=account,
        version=version,
    )
    ids = pl.Series([row[0] for row in stored], dtype=pl.String)
    batch = batch_labels(engine, version).filter(pl.col("session_id").is_in(ids.implode()))
    casts = ", ".join(f"cast(:{name} as {kind})::text" for name, kind in _KINDS.items())
    with engine.connect() as connection:
        expected = [
            (row["session_id"], *connection.execute(sa.text(f"select {casts}"), row).one())
            for row in batch.iter_rows(named=True)
        ]
    assert stored == expected
    return len(stored)


_KINDS = {
    "session_revision": "integer",
    "kmeans_cluster": "integer",
    "dbscan_cluster": "integer",
    "anomaly_score": "double precision",
    "is_anomaly": "boolean",
    "anomaly_reasons": "jsonb",
}


def send_all(engine: sa.Engine, charger: Charger, records: list[dict[str, Any]]) -> None:
    for start in range(0, len(records), 100):
        charger.send(records[start : start + 100])
    assert await_received(engine, charger.name, len(records))[0] == len(records)


def test_the_instant_label_is_the_batchs_for_the_sample(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, champion: str
) -> None:
    assert stream.is_up
    with charging(broker, scope="sample") as charger:
        send_all(engine, charger, sample_rows())
    assert assert_labels_are_the_batchs(engine, champion, charger.name) > len(sample_rows()) / 2


def test_the_instant_label_is_the_batchs_for_a_real_set(
    engine: sa.Engine, broker: RunningBroker, stream: Stream, champion: str
) -> None:
    assert stream.is_up
    with real_file("dundee", "cp-data-mar-may-2018.csv").open(newline="") as file:
        records = list(islice(csv.DictReader(file), N_ROWS))
    with charging(broker, source="dundee", scope="dundee") as charger:
        send_all(engine, charger, records)
    assert assert_labels_are_the_batchs(engine, champion, charger.name) > N_ROWS / 2
