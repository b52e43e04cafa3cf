"""Why a session is an anomaly, in words with numbers.

What lives here: the sentences, and the column of reasons beside a frame of sessions.
What does not: which sessions are anomalies and which residuals drove it (`anomaly`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.tails import SAID_QUANTILE
from ev_pipeline.domain.models.wording import amount, clock, stay

REASON: Final = pl.Struct(
    {"code": pl.String, "message": pl.String, "value": pl.Float64, "expected": pl.Float64}
)
"""One reason; value and expected in the unit that the message names, null where there is none."""

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "power_over_station": (
        "mean_power_kw",
        "mean power {power}, where up to about {limit_kw} is usual {at}",
    ),
    "long_for_energy": (
        "duration_h",
        "stayed {duration}; about {most} of sessions with {energy} {at} stay under {limit_h}",
    ),
    "long_at_station": (
        "duration_h",
        "stayed {duration}; about {most} of the sessions {at} stay under {limit_h}",
    ),
    "little_energy": (
        "energy_kwh",
        "{energy} in {duration}; about {most} of sessions so long {at} get more than {limit_kwh}",
    ),
    "much_energy": (
        "energy_kwh",
        "{energy}; about {most} of the sessions {at} get less than {limit_kwh}",
    ),
    "unusual_hour": ("start_hour", "{hour}"),
    "long_for_user": (
        "duration_h",
        "stayed {duration}, where this user mostly stays under {limit_h}",
    ),
    "much_energy_for_user": (
        "energy_kwh",
        "{energy}, where this user mostly gets less than {limit_kwh}",
    ),
    "unusual_hour_for_user": ("start_hour", "{hour}"),
}
"""By residual: the column that is unexpected, and the sentence."""

_HOUR_WORDS: Final = {
    "start": "starts at {clock}, in an hour with {share} of the sessions {at}",
    "start_of_kind": "starts at {clock}, in an hour with {share} of the sessions of its length"
    " and power",
    "end": "ends at {end_clock}, in an hour in which {share} of the sessions {at} end",
    "start_of_user": "starts at {clock}, in an hour with {share} of this user's sessions",
}
"""By what is rare about an hour."""

TOGETHER: Final = "unusual_together"
"""Code of what is odd by no single fact."""

QUANTITIES: Final = {code: column for code, (column, _) in _WORDS.items()}
"""By residual: energy, power, duration or hour."""

_PERCENT: Final = 100
_LEAST_PERCENT: Final = 0.05
"""A smaller share would be written as none at all."""
_HOURS_PER_DAY: Final = 24


@dataclass(frozen=True, slots=True)
class HourFact:
    """What is rare about the hours of a session.

    Args:
        form: which hour, and among which sessions: a key of the sentences.
        share: share of these sessions in the same hour.
        busiest: the hour with most of them.
    """

    form: str
    share: float
    busiest: float


@dataclass(frozen=True, slots=True)
class Background:
    """What one residual of a session was held against.

    Args:
        limit: up to where the quantity is usual, in its unit.
        hour: what is rare about the hour; null for other quantities.
        is_station_known: whether the station has a habit of its own.
    """

    limit: float
    hour: HourFact | None
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
    at = "at this station" if background.is_station_known else "at all stations"
    value, expected = session[column], background.limit
    fact = background.hour
    hour = ""
    if fact is not None:
        end_hour = (session["start_hour"] + session["duration_h"]) % _HOURS_PER_DAY
        hour = _HOUR_WORDS[fact.form].format(
            clock=clock(session["start_hour"]),
            end_clock=clock(end_hour),
            share=_share(fact.share),
            at=at,
        )
        value, expected = end_hour if fact.form == "end" else value, fact.busiest
    message = words.format(
        energy=amount(session["energy_kwh"], "kWh"),
        power=amount(session["mean_power_kw"], "kW"),
        duration=stay(session["duration_h"]),
        limit_kwh=amount(background.limit, "kWh"),
        limit_kw=amount(background.limit, "kW"),
        limit_h=stay(background.limit),
        most=f"{SAID_QUANTILE:.0%}".replace("%", " %"),
        hour=hour,
        at=at,
    )
    return {"row": row, "code": code, "message": message, "value": value, "expected": expected}


def _share(share: float) -> str:
    percent = share * _PERCENT
    return f"{percent:.1f} %" if percent >= _LEAST_PERCENT else f"less than {_LEAST_PERCENT} %"


def together_reason(row: int, session: dict[str, Any]) -> dict[str, Any]:
    """The reason of a session that is odd by no single fact.

    Args:
        row: the session's place in its frame.
        session: its values.
    """
    energy, length = amount(session["energy_kwh"], "kWh"), stay(session["duration_h"])
    return {
        "row": row,
        "code": TOGETHER,
        "message": f"{energy} in {length} from {clock(session['start_hour'])}: usual one by one,"
        " rare together",
        "value": None,
        "expected": None,
    }


def reason_lists(reasons: list[dict[str, Any]], n_sessions: int) -> pl.Series:
    """One list of reasons a session, in the order given; empty where there is none."""
    nothing = pl.Series("anomaly_reasons", [[]], dtype=pl.List(REASON))
    if not reasons:
        # Most sessions of a stream come alone, and most of them have none.
        return nothing.new_from_index(0, n_sessions)
    flat = pl.DataFrame(reasons, schema={"row": pl.Int64, **dict(REASON)})
    lists = flat.group_by("row", maintain_order=True).agg(
        pl.struct(pl.exclude("row")).alias("anomaly_reasons")
    )
    rows = pl.DataFrame({"row": pl.int_range(n_sessions, eager=True)})
    return rows.join(lists, on="row", how="left", maintain_order="left").select(
        pl.col("anomaly_reasons").fill_null(pl.lit(nothing))
    )["anomaly_reasons"]
