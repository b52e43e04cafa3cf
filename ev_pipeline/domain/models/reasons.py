"""Why a session is an anomaly, in words with numbers.

What lives here: the sentences, and the column of reasons beside a frame of sessions.
What does not: which sessions are anomalies and which residuals drove it (`anomaly`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.models.rules import RULES

REASON: Final = pl.Struct(
    {"code": pl.String, "message": pl.String, "value": pl.Float64, "expected": pl.Float64}
)
"""One reason; value and expected in the unit that the message names, null where there is none."""

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "energy_for_duration": (
        "energy_kwh",
        "{energy} in {duration}, where {usual_kwh} is usual {at}",
    ),
    "power_over_station": (
        "mean_power_kw",
        "mean power {power}, where up to about {usual_kw} is usual {at}",
    ),
    "duration_unlike_station": (
        "duration_h",
        "plugged in for {duration}, where {usual_h} is usual {at}",
    ),
    "energy_unlike_station": ("energy_kwh", "{energy}, where {usual_kwh} is usual {at}"),
    "duration_unlike_user": (
        "duration_h",
        "plugged in for {duration}, where {usual_h} is usual for this user",
    ),
    "energy_unlike_user": ("energy_kwh", "{energy}, where {usual_kwh} is usual for this user"),
    "unusual_hour": (
        "start_hour",
        "starts at {clock}, in an hour with {share} of the sessions {at}",
    ),
}
"""By residual: the column that is unexpected, and the sentence."""

QUANTITIES: Final = {code: column for code, (column, _) in _WORDS.items()}
"""By residual: energy, power, duration or hour."""

_MINUTES_PER_HOUR: Final = 60
_LAST_MINUTE: Final = 24 * _MINUTES_PER_HOUR - 1
_MINUTE_TOLERANCE: Final = 1e-9
"""In min: 12:50 as an hour is a hair under 770 minutes. Times are kept to the microsecond, 2e-8."""

_PERCENT: Final = 100
_LEAST_AMOUNT: Final = 0.01
"""In kWh or kW: two decimals of less would say that there was none."""


@dataclass(frozen=True, slots=True)
class Background:
    """What one residual of a session was held against.

    Args:
        expected: what was usual instead, in the residual's unit.
        hour_share: share of the sessions in the same hour, at the station or at all.
        is_station_known: whether the station has a habit of its own.
    """

    expected: float
    hour_share: float
    is_station_known: bool


def rule_reasons(row: int, session: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A reason for each rule that the session breaks.

    Args:
        row: the session's place in its frame.
        session: its values, with quality_codes.
    """
    for code in session["quality_codes"]:
        if rule := RULES.get(code):
            yield {
                "row": row,
                "code": code,
                "message": rule.message.format(**session),
                "value": session[rule.value] if rule.value else None,
                "expected": session[rule.expected] if rule.expected else None,
            }


def residual_reason(
    row: int, session: dict[str, Any], code: str, background: Background
) -> dict[str, Any]:
    """The reason that one residual gives.

    Args:
        row: the session's place in its frame.
        session: its values.
        code: one of `RESIDUALS`.
        background: what the session was held against.
    """
    column, words = _WORDS[code]
    message = words.format(
        energy=_amount(session["energy_kwh"], "kWh"),
        power=_amount(session["mean_power_kw"], "kW"),
        duration=_stay(session["duration_h"]),
        clock=_clock(session["start_hour"]),
        usual_kwh=_amount(background.expected, "kWh"),
        usual_kw=_amount(background.expected, "kW"),
        usual_h=_stay(background.expected),
        share=f"{background.hour_share * _PERCENT:.1f} %",
        at="at this station" if background.is_station_known else "at all stations",
    )
    return {
        "row": row,
        "code": code,
        "message": message,
        "value": session[column],
        "expected": background.expected,
    }


def reason_lists(reasons: list[dict[str, Any]], n_sessions: int) -> pl.Series:
    """One list of reasons a session, in the order given; empty where there is none."""
    flat = pl.DataFrame(reasons, schema={"row": pl.Int64, **dict(REASON)})
    lists = flat.group_by("row", maintain_order=True).agg(
        pl.struct(pl.exclude("row")).alias("anomaly_reasons")
    )
    rows = pl.DataFrame({"row": pl.int_range(n_sessions, eager=True)})
    nothing = pl.lit([], dtype=pl.List(REASON))
    return rows.join(lists, on="row", how="left", maintain_order="left").select(
        pl.col("anomaly_reasons").fill_null(nothing)
    )["anomaly_reasons"]


def _amount(amount: float, unit: str) -> str:
    """Energy or power, with a second decimal only where the first would say little."""
    if amount < _LEAST_AMOUNT:
        return f"less than {_LEAST_AMOUNT} {unit}"
    return f"{amount:.1f} {unit}" if amount >= 1 else f"{amount:.2f} {unit}"


def _stay(duration_h: float) -> str:
    """A duration as people say it: minutes, then hours."""
    if duration_h * _MINUTES_PER_HOUR < 1:
        return "less than a minute"
    minutes = round(duration_h * _MINUTES_PER_HOUR)
    return f"{minutes} min" if minutes < _MINUTES_PER_HOUR else f"{duration_h:.1f} h"


def _clock(hour: float) -> str:
    """An hour of day as hours and minutes."""
    minutes = min(int(hour * _MINUTES_PER_HOUR + _MINUTE_TOLERANCE), _LAST_MINUTE)
    return f"{minutes // _MINUTES_PER_HOUR:02d}:{minutes % _MINUTES_PER_HOUR:02d}"
