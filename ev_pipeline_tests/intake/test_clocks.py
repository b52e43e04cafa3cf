"""A charger's clock that is behind is told from what is delivered late."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.intake.files import a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.streaming import RECEIVED_AT, Delivery, deliver

SUSPECT = """
    select source_session_id from ev_session where 'clock_suspect' = any(quality_codes) order by 1
"""


def _ending(number: int, ended_at: datetime, **changes: Any) -> dict[str, Any]:
    return a_session(
        session_id=f"S{number}",
        started_at=(ended_at - timedelta(minutes=40)).isoformat(),
        ended_at=ended_at.isoformat(),
        **changes,
    )


def _come(
    engine: sa.Engine,
    settings: Settings,
    delays_h: Sequence[float],
    *,
    every_h: float = 2,
    **changes: Any,
) -> None:
    """Sessions come one by one, each so much after its end."""
    for number, delay_h in enumerate(delays_h):
        now = RECEIVED_AT + timedelta(hours=every_h * number)
        session = _ending(number, now - timedelta(hours=delay_h), **changes)
        with engine.begin() as connection:
            deliver(connection, settings, [Delivery(session, received_at=now)], now=now)


@pytest.mark.parametrize("connector", ["1", None])
@pytest.mark.parametrize("delay_h", [6, 3 * 24 * 365])
def test_a_clock_that_is_behind_is_suspect_from_its_second_session_on(
    engine: sa.Engine, settings: Settings, delay_h: float, connector: str | None
) -> None:
    _come(engine, settings, [delay_h, delay_h + 0.01, delay_h], connector_id=connector)
    assert rows(engine, SUSPECT) == ["S1", "S2"]
    quality = "select quality from ev_session where source_session_id = 'S1'"
    assert rows(engine, quality) == ["warning"]


@pytest.mark.parametrize(
    "delays_h",
    [
        (0, 0, 0.9, 0.9),  # live, or nearly
        (0, 5, 0),  # one by itself
        (5, 3, 1.5),  # whoever was away catches up
        (5, 5.1, 5.2),  # as late, but not by one cause
    ],
)
def test_what_comes_live_or_late_is_not_suspect(
    engine: sa.Engine, settings: Settings, delays_h: Sequence[float]
) -> None:
    _come(engine, settings, delays_h)
    assert rows(engine, SUSPECT) == []


@pytest.mark.parametrize("every_s", [30, 540])
@pytest.mark.parametrize("is_one_delivery", [True, False])
def test_what_was_held_up_and_comes_at_once_is_not_suspect(
    engine: sa.Engine, settings: Settings, every_s: float, *, is_one_delivery: bool
) -> None:
    first = RECEIVED_AT - timedelta(hours=9)
    ends = [first + timedelta(seconds=every_s * number) for number in range(20)]
    came = [Delivery(_ending(i, end), received_at=RECEIVED_AT) for i, end in enumerate(ends)]
    batches = [came] if is_one_delivery else [came[1::2], came[::2]]
    for batch in batches:
        with engine.begin() as connection:
            deliver(connection, settings, batch)
    assert rows(engine, SUSPECT) == []


def test_only_what_a_stream_brought_is_held_against_it(
    engine: sa.Engine, settings: Settings, load: Loader
) -> None:
    load(_ending(1, RECEIVED_AT - timedelta(hours=6)))
    _come(engine, settings, [6, 6], every_h=0.1)
    load(_ending(2, RECEIVED_AT + timedelta(hours=6)))
    assert rows(engine, SUSPECT) == []


def test_clocks_of_other_stations_and_connectors_say_nothing_of_it(
    engine: sa.Engine, settings: Settings
) -> None:
    _come(engine, settings, [6])
    others: list[dict[str, Any]] = [
        {"station_id": "B"},
        {"connector_id": "2"},
        {"connector_id": None},
    ]
    now = RECEIVED_AT + timedelta(hours=2)
    came = [
        Delivery(_ending(number, now - timedelta(hours=6), **other), received_at=now)
        for number, other in enumerate(others, start=1)
    ]
    with engine.begin() as connection:
        deliver(connection, settings, came, now=now)
    assert rows(engine, SUSPECT) == []
