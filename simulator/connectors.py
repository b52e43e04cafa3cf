"""Who gets a connector: one vehicle at a time on each, and each user at one place at a time.

What lives here: the queue at the stations. What does not: how long anybody stays (`visits`).
"""

from typing import Final

import numpy as np

TAKEN: Final = -1
"""Stands for a visit that found every connector taken, or its user still elsewhere."""

ALWAYS_S: Final = -(2**62)
"""Before every time: whoever was never seen is free."""

PAUSE_S: Final = 120
"""Least time between two vehicles on a connector, and between two sessions of a user, s."""


def seat(
    user: np.ndarray,
    station: np.ndarray,
    start_s: np.ndarray,
    stay_s: np.ndarray,
    connectors: np.ndarray,
) -> np.ndarray:
    """The connector that each visit gets, in order of arrival.

    Args:
        user: number of the user, one entry a visit, in order of `start_s`.
        station: number of the station.
        start_s: when the visit starts, s.
        stay_s: how long it lasts, s.
        connectors: how many connectors each station has.

    Returns:
        The connector's number from 1, or `TAKEN` for a visit that cannot happen.
    """
    user_free_at: dict[int, int] = {}
    free_at = [[ALWAYS_S] * int(count) for count in connectors]
    seats = []
    rows = zip(user.tolist(), station.tolist(), start_s.tolist(), stay_s.tolist(), strict=True)
    for who, where, start, stay in rows:
        chosen = TAKEN
        if user_free_at.get(who, ALWAYS_S) <= start:
            places = free_at[where]
            for number, free in enumerate(places):
                if free <= start:
                    places[number] = user_free_at[who] = start + stay + PAUSE_S
                    chosen = number + 1
                    break
        seats.append(chosen)
    return np.array(seats, dtype=np.int64)
