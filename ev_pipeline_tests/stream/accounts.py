"""What a charger got accepted, held against what is stored, refused, counted, labelled and shown.

What lives here: the comparison. What does not: publishing (`publishing`).
"""

import json
from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.messaging import topics
from ev_pipeline.panels.envelope import encode
from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.messaging.listening import WITHIN_S
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

STORED: Final = "select source_session_id from ev_session where source = :account"

REFUSED: Final = """
    select coalesce(source_session_id, convert_from(raw, 'UTF8')) from ev_quarantine
    where origin = :account
"""

SEEN: Final = """
    select coalesce(sum(times_seen), 0)::int from ev_quarantine where origin = :account
"""

LEDGER: Final = """
    select coalesce(sum(received), 0)::int, coalesce(sum(stored), 0)::int,
        coalesce(sum(updated), 0)::int, coalesce(sum(duplicate), 0)::int,
        coalesce(sum(quarantined), 0)::int
    from ev_ledger where door = 'stream' and source = :account
"""

UNLABELLED: Final = """
    select source_session_id from ev_session s where not exists (
        select from ev_session_label l where l.session_id = s.session_id
            and l.session_revision = s.revision and l.model_version = :version)
"""


def ledger(engine: sa.Engine, account: str) -> tuple[int, ...]:
    """What became of what the account sent: received, stored, updated, duplicate, quarantined."""
    (sums,) = rows(engine, LEDGER, account=account)
    return tuple(sums)


def await_received(engine: sa.Engine, account: str, n: int) -> tuple[int, ...]:
    """The account's ledger once so many records of it are in."""
    wait_until(lambda: ledger(engine, account)[0] >= n, within_s=WITHIN_S)
    return ledger(engine, account)


def n_refusals(engine: sa.Engine, account: str) -> int:
    """How often a record of the account was refused, the same one each time it came."""
    (times,) = rows(engine, SEEN, account=account)
    return int(times)


def await_stored(engine: sa.Engine, publisher: Publisher, place: str) -> None:
    """Everything that the publisher has got accepted by now is stored or refused."""
    accepted, account = publisher.accepted, publisher.account

    def missing() -> set[str]:
        return accepted.difference(
            rows(engine, STORED, account=account), rows(engine, REFUSED, account=account)
        )

    left = missing()
    while left:
        n_left = len(left)
        try:
            wait_until(lambda: len(missing()) < n_left, within_s=STORED_WITHIN_S)  # noqa: B023 -- called in this round
        except AssertionError:
            lost = sorted(missing())
            raise AssertionError(f"{len(lost)} were lost, {lost[:5]}: {place}") from None
        left = missing()


def assert_accounted_for(engine: sa.Engine, publisher: Publisher, version: str, place: str) -> None:
    """Each accepted id is in one place once, the ledger adds up, and what is stored is labelled.

    The publisher is pausing.
    """
    await_stored(engine, publisher, place)
    account = publisher.account
    stored = rows(engine, STORED, account=account)
    refused = rows(engine, REFUSED, account=account)
    assert len(stored) == len(set(stored)), place
    assert len(refused) == len(set(refused)), place
    assert set(stored).isdisjoint(refused), place
    received, n_stored, n_updated, n_duplicate, n_quarantined = ledger(engine, account)
    assert received == n_stored + n_updated + n_duplicate + n_quarantined, place
    assert received >= publisher.n_accepted, place
    assert (n_stored, n_updated) == (len(stored), 0), place
    assert n_quarantined == n_refusals(engine, account), place
    assert rows(engine, UNLABELLED, version=version) == [], place


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
