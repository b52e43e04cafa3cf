"""Whether everything that was accepted is stored or refused, once, counted and labelled.

What lives here: the questions to the database. What does not: who reports (`reporter`).
"""

from collections import Counter

import sqlalchemy as sa

from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.reporter import WITHIN_S

STORED = "select source_session_id from ev_session where source = :account"

REFUSED = """
    select coalesce(source_session_id, convert_from(raw, 'UTF8')) from ev_quarantine
    where origin = :account
"""

LEDGER = """
    select coalesce(sum(received), 0)::int, coalesce(sum(stored), 0)::int,
        coalesce(sum(updated), 0)::int, coalesce(sum(duplicate), 0)::int,
        coalesce(sum(quarantined), 0)::int
    from ev_ledger where door = 'stream' and source = :account
"""

OTHERWISE_LABELLED = """
    select source_session_id from ev_session_labelled
    where source = :account and model_version is distinct from :champion
"""


def places(engine: sa.Engine, account: str) -> Counter[str]:
    """How often each report of the account is in sessions or quarantine."""
    stored = rows(engine, STORED, account=account)
    return Counter(stored + rows(engine, REFUSED, account=account))


def wait_until_placed(engine: sa.Engine, account: str, accepted: set[str]) -> None:
    """Each of the reports is in sessions or quarantine."""
    wait_until(lambda: accepted <= places(engine, account).keys(), within_s=WITHIN_S)


def assert_accounted_for(
    engine: sa.Engine, account: str, accepted: set[str], *, champion: str, place: str
) -> None:
    """Each accepted report is in one place, the ledger adds up, each session has its label."""
    held = places(engine, account)
    assert accepted - held.keys() == set(), place
    assert {name: n for name, n in held.items() if n > 1} == {}, place
    [(received, *decisions)] = rows(engine, LEDGER, account=account)
    assert received == sum(decisions), place
    assert received >= len(accepted), place
    n_refused = len(rows(engine, REFUSED, account=account))
    assert decisions[0] == len(held) - n_refused, place
    assert rows(engine, OTHERWISE_LABELLED, account=account, champion=champion) == [], place
