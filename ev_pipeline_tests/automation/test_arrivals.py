"""When new sessions call for a run, decided without broker or Dagster."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ev_pipeline.automation.arrivals import (
    LONGEST_WAIT,
    LastRun,
    Position,
    Progress,
    RunState,
    Skip,
    decide,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
INTERVAL = timedelta(seconds=60)
LONG_AGO = NOW - timedelta(days=1)
HERE = Progress(is_online=True, epoch="e1", seq=100, has_champion=True)
ASKED = Position("e1", 100)


def decided(
    progress: Progress | None, asked: Position | None = None, last: LastRun | None = None
) -> Position | Skip:
    return decide(progress, asked, last, now=NOW, interval=INTERVAL)


@pytest.mark.parametrize(
    ("progress", "reason"),
    [
        (None, "offline"),
        (replace(HERE, is_online=False), "offline"),
        (replace(HERE, has_champion=False), "retrain"),
    ],
)
def test_without_a_worker_or_a_model_there_is_no_run(
    progress: Progress | None, reason: str
) -> None:
    skip = decided(progress)
    assert isinstance(skip, Skip)
    assert reason in skip.reason


def test_the_first_report_and_each_later_one_with_news_ask_for_a_run() -> None:
    assert decided(HERE) == Position("e1", 100)
    assert decided(replace(HERE, seq=101), ASKED) == Position("e1", 101)


def test_nothing_new_is_said() -> None:
    assert decided(HERE, ASKED, LastRun(RunState.SUCCEEDED, LONG_AGO)) == Skip(
        "nothing new since change 100"
    )


def test_never_two_at_once_and_never_two_in_the_interval() -> None:
    news = replace(HERE, seq=101)
    under_way = LastRun(RunState.UNDER_WAY, LONG_AGO)
    assert decided(news, ASKED, under_way) == Skip("the last run is under way")
    just_now = LastRun(RunState.SUCCEEDED, NOW - INTERVAL / 2)
    assert decided(news, ASKED, just_now) == Skip("the next run may start at 12:00:30 UTC")
    due = LastRun(RunState.SUCCEEDED, NOW - INTERVAL)
    assert decided(news, ASKED, due) == Position("e1", 101)


def test_a_failed_run_is_asked_for_again_under_another_name() -> None:
    again = decided(HERE, ASKED, LastRun(RunState.FAILED, LONG_AGO))
    assert again == Position("e1", 100, attempt=1)
    assert isinstance(again, Position)
    assert again.run_key != ASKED.run_key


def test_what_fails_again_and_again_is_tried_ever_more_seldom() -> None:
    asked = replace(ASKED, attempt=2)
    soon = LastRun(RunState.FAILED, NOW - 7 * INTERVAL)
    assert isinstance(decided(HERE, asked, soon), Skip)
    later = LastRun(RunState.FAILED, NOW - 8 * INTERVAL)
    assert decided(HERE, asked, later) == replace(ASKED, attempt=3)
    often = replace(ASKED, attempt=500)
    assert decided(HERE, often, LastRun(RunState.FAILED, NOW - LONGEST_WAIT)) == replace(
        ASKED, attempt=501
    )


def test_a_sequence_that_went_back_asks_again_once() -> None:
    restored = replace(HERE, seq=40)
    asked = decided(restored, ASKED, LastRun(RunState.SUCCEEDED, LONG_AGO))
    assert asked == Position("e1", 40, attempt=1)
    assert isinstance(decided(restored, asked, LastRun(RunState.SUCCEEDED, LONG_AGO)), Skip)


def test_another_ledger_asks_whatever_its_position() -> None:
    anew = replace(HERE, epoch="e2", seq=100)
    assert decided(anew, ASKED, LastRun(RunState.SUCCEEDED, LONG_AGO)) == Position("e2", 100)


def test_a_position_survives_as_a_cursor() -> None:
    position = Position("e1", 7, attempt=3)
    assert Position.from_cursor(position.as_cursor()) == position
    assert Position.from_cursor(None) is None
