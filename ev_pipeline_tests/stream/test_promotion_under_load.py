"""Another model becomes champion while sessions come in; instant labels are the batch's labels."""

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from ev_pipeline.messaging.durable import client_id, establish
from ev_pipeline.settings import Settings
from ev_pipeline.storage.features import session_batches
from ev_pipeline.storage.frames import read_frame
from ev_pipeline.storage.promotion import load_labeller, promote
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.messaging.listening import WITHIN_S
from ev_pipeline_tests.real_data import real_file
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.storage.trained import register
from ev_pipeline_tests.stream.accounting import assert_accounted_for, wait_until_placed
from ev_pipeline_tests.stream.reporter import Reporter
from ev_pipeline_tests.stream.streams import charging, count, running_stream, streaming_settings

N_REPLAYED = 1_000

READ = """
    select count(*) filter (where model_version is null) as unlabelled,
        count(distinct model_version) as versions, min(model_version) as version
    from ev_session_labelled
"""

LABELS = (
    *("session_id", "kmeans_cluster", "dbscan_cluster"),
    *("anomaly_score", "is_anomaly", "anomaly_reasons"),
)


class Reader(threading.Thread):
    """Reads every session with its label, again and again, until told to stop."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(name="reader")
        self._engine = engine
        self.stopping = threading.Event()
        self.seen: list[tuple[int, int, str]] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            self.seen += rows(self._engine, READ)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[Reader]:
    """Within, somebody reads."""
    reader = Reader(engine)
    reader.start()
    try:
        yield reader
    finally:
        reader.stopping.set()
        reader.join()


def test_a_promotion_under_load_leaves_no_session_unlabelled_and_no_reader_with_a_mixture(
    engine: sa.Engine, settings: Settings, own_broker: RunningBroker, champion: str
) -> None:
    streaming = streaming_settings(settings, own_broker)
    establish(own_broker.login("stream"), client_id(streaming))
    with (
        running_stream(engine, streaming),
        Reporter(own_broker.add_charger(), pause_s=0.002) as reporter,
        reading(engine) as reader,
    ):
        before = champion
        for seed in (2, 3):
            n_before = len(reporter.accepted)
            version = register(engine, seed)
            promoted_at = datetime.now(UTC) + timedelta(seconds=seed)
            promote(engine, version, reason="newer", promoted_at=promoted_at)
            assert len(reporter.accepted) > n_before
        with reporter.pausing() as accepted:
            wait_until_placed(engine, reporter.account, accepted)
            assert_accounted_for(
                engine, reporter.account, accepted, champion=version, place="promoted"
            )
    assert {(unlabelled, versions) for unlabelled, versions, _ in reader.seen} == {(0, 1)}
    assert {before, version} <= {shown for _, _, shown in reader.seen}


def first_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a file, as a charger sends them."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(islice(csv.DictReader(file), N_REPLAYED))


def differing(engine: sa.Engine, version: str, account: str) -> tuple[int, pl.DataFrame]:
    """How many of the account's labels there are, and those that the batch gives otherwise."""
    condition = "s.source = :account"
    labeller = load_labeller(engine, version, labelled_at=datetime.now(UTC))
    given = pl.concat(
        labeller.label(sessions)
        for sessions in session_batches(engine, condition, {"account": account})
    ).select(LABELS)
    stored = read_frame(
        engine,
        """
        select l.session_id::text, kmeans_cluster, dbscan_cluster, anomaly_score, is_anomaly,
            anomaly_reasons::text
        from ev_session_label l join ev_session s using (session_id)
        where s.source = :account and l.labelled_by = 'stream' and model_version = :version
        """,
        {"account": account, "version": version},
    )
    both = [
        frame.with_columns(
            pl.col("anomaly_reasons").map_elements(
                lambda reasons: json.dumps(json.loads(reasons), sort_keys=True), pl.String
            ),
            pl.col("kmeans_cluster", "dbscan_cluster").cast(pl.Int64),
            pl.col("anomaly_score").cast(pl.Float64),
        )
        for frame in (given, stored)
    ]
    return len(stored), both[0].join(both[1], on=LABELS, how="anti", nulls_equal=True)


@pytest.mark.parametrize(("source", "file"), [("canonical", None), ("dundee", "cpdata.csv")])
def test_an_instant_label_is_the_label_that_the_batch_gives(
    engine: sa.Engine,
    settings: Settings,
    broker: RunningBroker,
    champion: str,
    source: str,
    file: str | None,
) -> None:
    replayed = first_rows(real_file(source, file) if file else SESSIONS)
    with (
        running_stream(engine, streaming_settings(settings, broker)),
        charging(broker, source=source, scope="replayed") as charger,
    ):
        charger.send(replayed)
        received = f"source = '{charger.name}' and received = {len(replayed)}"
        wait_until(lambda: count(engine, "ev_ledger", received), within_s=WITHIN_S)
    n_labels, wrong = differing(engine, champion, charger.name)
    assert n_labels == count(engine, "ev_session", f"source = '{charger.name}'")
    assert n_labels > N_REPLAYED / 2
    assert wrong.rows() == []
