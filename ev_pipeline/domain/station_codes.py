"""What stored sessions are told of their station, judged again by what is known of it now.

What lives here: the two codes that a registry decides. What does not: the rules (`rules`), and
judging records that come in (`validation`).
"""

from typing import Final

import polars as pl

from ev_pipeline.domain.rules import Circumstances, session_quantities, session_warnings
from ev_pipeline.domain.validation import with_stations
from ev_pipeline.settings import Limits

POWER_OVER_RATING: Final = "power_over_rating"
STATION_UNREGISTERED: Final = "station_unregistered"


def judge_stations(
    sessions: pl.DataFrame, *, stations: pl.DataFrame, limits: Limits
) -> pl.DataFrame:
    """The sessions with `is_over_rating` and `is_unregistered`.

    Args:
        sessions: stored sessions: `session_id`, `station_id`, `started_at`, `ended_at`,
            `energy_kwh`, `charging_duration_h`, `max_power_kw`, `received_at`, and `resolution_s`,
            to how many seconds its times are cut.
        stations: what is known of their stations: `station_id`, `is_registered`, `power_kw`.
        limits: the limits in force.
    """
    known = with_stations(sessions, stations).with_columns(is_accepted=pl.lit(value=True))
    judged = [
        _judged(alike, limits, alike["resolution_s"][0])
        for alike in known.partition_by("resolution_s", maintain_order=True)
    ]
    return pl.concat(judged) if judged else _judged(known, limits, 0.0)


def _judged(sessions: pl.DataFrame, limits: Limits, resolution_s: float) -> pl.DataFrame:
    around = Circumstances(limits, pl.col("received_at"), resolution_s)
    rules = {rule.code: rule for rule in session_warnings(around, has_local_start=False)}
    return sessions.with_columns(session_quantities(around)).select(
        *sessions.columns,
        rules[POWER_OVER_RATING].applies.fill_null(value=False).alias("is_over_rating"),
        (~pl.col("is_registered")).alias("is_unregistered"),
    )
