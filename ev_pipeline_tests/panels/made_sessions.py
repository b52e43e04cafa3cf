"""Sessions about the days on which clocks change, with everything that reports must tell apart.

What lives here: the records. What does not: loading and counting them.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from ev_pipeline_tests.intake.files import a_session

CHANGES = ["2024-03-10", "2024-03-31", "2024-04-07", "2024-10-06", "2024-10-27", "2024-11-03"]
"""Days on which clocks change in New York, Lisbon or on Lord Howe."""


PRICES: list[dict[str, Any]] = [
    {"cost": None, "currency": None},
    {"cost": 1.1, "currency": "EUR"},
    {"cost": 0, "currency": "EUR"},
    {"cost": 9.9, "currency": "GBP"},
    {"cost": 2.2, "currency": None},
]


def sessions_about_clock_changes(seed: int = 1) -> list[dict[str, Any]]:
    """Sessions around each change, over midnight, priced in two currencies or not, some refused."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    made = []
    for change in CHANGES:
        around = datetime.fromisoformat(change).replace(tzinfo=UTC)
        for number in range(14):
            started_at = around + timedelta(minutes=chance.randrange(-36 * 60, 48 * 60, 5))
            length_h = chance.choice([0.5, 2.25, 7.0, 30.5])
            made.append(
                a_session(
                    session_id=f"{change}/{number}",
                    station_id=chance.choice(["A", "B", "B"]),
                    connector_id=None,
                    user_id=chance.choice(["U1", "U2", "U3", None]),
                    started_at=started_at.isoformat(),
                    ended_at=(started_at + timedelta(hours=length_h)).isoformat(),
                    charging_duration_h=chance.choice([None, length_h / 2, length_h]),
                    energy_kwh=chance.choice([0, 3.3, 12.1, 7.7]),
                    **chance.choice(PRICES),
                )
            )
    return made
