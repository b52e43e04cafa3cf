"""What a publisher got accepted, held against what is stored, refused, counted, labelled and shown.

What lives here: the comparison. What does not: publishing (`publishing`).
"""

import json
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.panels.envelope import encode
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.panels.panel_recounts import RECOUNTS
from ev_pipeline_tests.panels.recount import Tables
from ev_pipeline_tests.panels.same import assert_same
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.publishing import Publisher
from ev_pipeline_tests.stream.streams import dashboard

STORED_WITHIN_S: Final = 60
"""By when everything that was accepted is stored, s: after a fault a retry may wait for 15."""

SHOWN: Final = ("summary", "trend_daily", "cost", "quality")
"""Panels of the stream whose figures come from every stored session."""


def stored_ids(engine: sa.Engine, account: str) -> list[str]:
    """The ids under which the account's sessions are stored."""
    query = "select source_session_id from ev_session where source = :account and door = 'stream'"
    return rows(engine, query, account=account)


def refused_ids(engine: sa.Engine, account: str) -> list[str]:
    """The ids under which the account's records are in quarantine."""
    query = "select source_session_id from ev_quarantine where origin = :account"
    return rows(engine, query, account=account)


def await_stored(engine: sa.Engine, publisher: Publisher, place: str) -> None:
    """Everything that the publisher has got accepted by now is stored or refused."""
    accepted, account = set(publisher.accepted), publisher.account

    def missing() -> set[str]:
        return accepted.difference(stored_ids(engine, account), refused_ids(engine, account))

    try:
        wait_until(lambda: not missing(), within_s=STORED_WITHIN_S)
    except AssertionError:
        lost = sorted(missing())
        raise AssertionError(f"{len(lost)} were lost, {lost[:5]}: {place}") from None


def assert_accounted_for(engine: sa.Engine, publisher: Publisher, version: str, place: str) -> None:
    """Each accepted id is in one place once, the ledger adds up, and what is stored is labelled."""
    stored = stored_ids(engine, publisher.account)
    refused = refused_ids(engine, publisher.account)
    assert len(stored) == len(set(stored)), place
    assert len(refused) == len(set(refused)), place
    assert set(stored).isdisjoint(refused), place
    assert publisher.accepted <= {*stored, *refused}, place
    ledger = (
        "select coalesce(sum(received), 0)::bigint, coalesce(sum(stored), 0)::bigint,"
        " coalesce(sum(updated), 0)::bigint, coalesce(sum(duplicate), 0)::bigint,"
        " coalesce(sum(quarantined), 0)::bigint"
        " from ev_ledger where door = 'stream' and source = :account"
    )
    ((received, *parts),) = rows(engine, ledger, account=publisher.account)
    assert received == sum(parts), place
    assert received >= publisher.n_accepted, place
    assert parts[:2] == [len(stored), 0], place
    seen = "select coalesce(sum(times_seen), 0)::bigint from ev_quarantine where origin = :account"
    assert rows(engine, seen, account=publisher.account) == [parts[3]], place
    unlabelled = """
        select count(*) from ev_session s where not exists (
            select from ev_session_label l where l.session_id = s.session_id
                and l.session_revision = s.revision and l.model_version = :version)
    """
    assert rows(engine, unlabelled, version=version) == [0], place


def assert_shown(engine: sa.Engine, settings: Settings, broker: RunningBroker) -> None:
    """The panels that the worker has published say what the tables hold."""
    tables = Tables.read(engine, settings.timezone)
    (last,) = rows(engine, "select max(seq) from ev_session_change")
    shown: dict[str, Any] = {}

    def is_told() -> bool:
        """What was refused last may be told a round after what was stored last."""
        return (
            len(shown) == len(SHOWN)
            and all(document["as_of"] >= last for document in shown.values())
            and bool(shown["quality"]["data"]["n_quarantined"] == len(tables.refused))
        )

    with dashboard(broker, *map(topics.panel, SHOWN)) as screen:
        while not is_told():
            document = json.loads(screen.take().payload)
            shown[document["panel"]] = document
    for name in SHOWN:
        expected = json.loads(encode(RECOUNTS[name](tables)))
        assert_same(shown[name]["data"], expected, name)
