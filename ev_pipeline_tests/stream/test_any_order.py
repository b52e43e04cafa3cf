"""Sessions that come early, late, out of order or twice are what they would have been in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ev_pipeline_tests.intake.files import rows
from ev_pipeline_tests.stream.accounts import await_received
from ev_pipeline_tests.stream.streams import ENDED_AT, Charger, a_session

STORED = """
    select source_session_id, revision, energy_kwh::float, quality, quality_codes
    from ev_session where source = :account order by 1
"""


def ended(session_id: str, after: timedelta, **fields: Any) -> dict[str, Any]:
    """A session of two hours that ended so long after now, on a connector of its own."""
    end = datetime.now(UTC) + after
    times = {"started_at": (end - timedelta(hours=2)).isoformat(), "ended_at": end.isoformat()}
    return a_session(session_id, connector_id=session_id, **times, **fields)


def updated(minutes: int, **fields: Any) -> dict[str, Any]:
    """What is said of one session so long after its end."""
    at = ENDED_AT + timedelta(minutes=minutes)
    return a_session("S-1", updated_at=at.isoformat(), **fields)


def test_a_session_counts_however_late_it_comes_and_not_before_its_end(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(ended("S-1 a clock a little fast", timedelta(minutes=3)))
    charger.send(ended("S-2 tomorrow", timedelta(days=1)))
    charger.send(ended("S-3 half a day late", timedelta(hours=-12)))
    charger.send(ended("S-4 before the third", timedelta(hours=-30)))
    assert [each["code"] for each in charger.next_rejection()["reasons"]] == ["in_future"]
    assert await_received(engine, charger.name, 4) == (4, 3, 0, 0, 1)
    stored = rows(engine, STORED, account=charger.name)
    assert [name[:3] for name, *_ in stored] == ["S-1", "S-3", "S-4"]
    assert [quality for *_, quality, _ in stored] == ["valid"] * 3


def test_an_older_version_that_comes_after_a_newer_one_does_not_replace_it(
    engine: sa.Engine, charger: Charger
) -> None:
    for minutes, energy_kwh in ((5, 12), (1, 11), (9, 13), (5, 12)):
        charger.send(updated(minutes, energy_kwh=energy_kwh))
    assert await_received(engine, charger.name, 4) == (4, 1, 1, 2, 0)
    [(_, revision, energy_kwh, _, _)] = rows(engine, STORED, account=charger.name)
    assert (revision, energy_kwh) == (2, 13)


def test_of_two_versions_that_do_not_say_which_is_newer_the_first_stays(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(a_session("S-1", energy_kwh=12))
    charger.send(a_session("S-1", energy_kwh=13))
    codes = [reason["code"] for reason in charger.next_rejection()["reasons"]]
    assert codes == ["conflicts_with_stored"]
    assert await_received(engine, charger.name, 2) == (2, 1, 0, 0, 1)
    [(_, revision, energy_kwh, _, _)] = rows(engine, STORED, account=charger.name)
    assert (revision, energy_kwh) == (1, 12)


def test_an_unfinished_session_that_comes_after_the_finished_one_is_known_already(
    engine: sa.Engine, charger: Charger
) -> None:
    charger.send(a_session("S-1"))
    charger.send(a_session("S-1", ended_at=None, energy_kwh=None))
    assert await_received(engine, charger.name, 2) == (2, 1, 0, 1, 0)


def test_the_earlier_of_two_sessions_on_a_connector_may_come_last(
    engine: sa.Engine, charger: Charger
) -> None:
    earlier = ENDED_AT - timedelta(hours=5)
    times = {
        "started_at": (earlier - timedelta(hours=1)).isoformat(),
        "ended_at": earlier.isoformat(),
    }
    charger.send(a_session("S-2"))
    charger.send(a_session("S-1", **times))
    assert await_received(engine, charger.name, 2) == (2, 2, 0, 0, 0)
    stored = rows(engine, STORED, account=charger.name)
    assert not any("overlaps_same_connector" in codes for *_, codes in stored)
