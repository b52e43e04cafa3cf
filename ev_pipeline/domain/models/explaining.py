"""Which facts make a session an anomaly: the rarest, each true of it, one a quantity.

What lives here: the choice. What does not: how rare they are (`anomaly`), the words (`reasons`).
"""

from typing import Any, Final

import numpy as np
import polars as pl

from ev_pipeline.domain.models.habits import positions
from ev_pipeline.domain.models.hours import EVEN_SHARE, end_hour, start_hour
from ev_pipeline.domain.models.reasons import (
    QUANTITIES,
    Background,
    HourFact,
    reason_lists,
    residual_reason,
    rule_reasons,
    together_reason,
)
from ev_pipeline.domain.models.residuals import RESIDUALS, Expectations
from ev_pipeline.domain.models.values import Booleans, Floats, SessionValues

MAX_REASONS: Final = 3
"""More than three numbers explain nothing to a person."""

_WORTH_SAYING: Final = 0.5
"""A residual is named if it counts at least this much of what the strongest does."""

_VISIBLE: Final = 1.05
"""A value that is nearer to its limit reads like the limit itself."""

_HOUR: Final = RESIDUALS.index("unusual_hour")
_USER_HOUR: Final = RESIDUALS.index("unusual_hour_for_user")
_LITTLE: Final = RESIDUALS.index("little_energy")
_MEASURES: Final = ("duration_h", "energy_kwh", "mean_power_kw")


def anomaly_reasons(
    sessions: pl.DataFrame,
    values: SessionValues,
    expectations: Expectations,
    *,
    said: Floats,
    counted: Floats,
    is_odd: Booleans,
    is_anomaly: Booleans,
) -> pl.Series:
    """A list of reasons for each session: broken rules first, then what is rarest.

    Args:
        sessions: the sessions' values and quality_codes.
        values: the same as arrays.
        expectations: what they were held against.
        said: how high each residual usually is at most.
        counted: what each residual counts towards the score.
        is_odd: whose score is above the threshold.
        is_anomaly: who else is one.

    Returns:
        One list a session; not empty for anomalies, empty for all others.
    """
    rows = np.flatnonzero(is_anomaly)
    if not len(rows):
        return reason_lists([], len(sessions))
    odd_values, odd_sessions = values.at(rows), sessions[rows]
    limits = expectations.limits(odd_values, said)
    hours = _hour_facts(expectations, odd_values)
    is_true = _is_true(odd_sessions, limits, hours)
    is_known = expectations.knows_station(odd_values)
    reasons: list[dict[str, Any]] = []
    for place, (row, session) in enumerate(
        zip(rows.tolist(), odd_sessions.iter_rows(named=True), strict=True)
    ):
        reasons.extend(rule_reasons(row, session))
        if not is_odd[row]:
            continue
        drivers = _drivers(counted[:, row], is_true[:, place])
        for residual in drivers:
            background = Background(
                limit=float(limits[residual, place]),
                hour=hours[residual][place] if residual in hours else None,
                is_station_known=bool(is_known[place]),
            )
            reasons.append(residual_reason(row, session, RESIDUALS[residual], background))
        if not drivers:
            reasons.append(together_reason(row, session))
    return reason_lists(reasons, len(sessions))


def _drivers(counted: Floats, is_true: Booleans) -> list[int]:
    """The residuals that say why, the rarest first, one a quantity."""
    ranked = [
        residual for residual in np.argsort(-counted, kind="stable").tolist() if is_true[residual]
    ]
    first: dict[str, int] = {}
    for residual in ranked:
        if counted[residual] >= _WORTH_SAYING * counted.max():
            first.setdefault(QUANTITIES[RESIDUALS[residual]], residual)
    return list(first.values())[:MAX_REASONS]


def _is_true(sessions: pl.DataFrame, limits: Floats, hours: dict[int, list[HourFact]]) -> Booleans:
    """Where a residual's sentence is true of the session, and can be seen to be."""
    columns = {name: sessions[name].to_numpy() for name in _MEASURES}
    is_true = np.zeros(limits.shape, dtype=bool)
    for residual, code in enumerate(RESIDUALS):
        if residual in hours:
            is_true[residual] = [fact.share < EVEN_SHARE for fact in hours[residual]]
        elif residual == _LITTLE:
            is_true[residual] = columns[QUANTITIES[code]] * _VISIBLE <= limits[residual]
        else:
            is_true[residual] = columns[QUANTITIES[code]] >= _VISIBLE * limits[residual]
    return is_true


def _hour_facts(expectations: Expectations, values: SessionValues) -> dict[int, list[HourFact]]:
    """The rarest thing about each session's hours: for its station or its kind, and its user."""
    station = positions(expectations.station_keys, values.station)
    user = positions(expectations.user_keys, values.user)
    starts, ends = start_hour(values), end_hour(values)
    kind = expectations.kinds.of(values)
    forms = {
        "start": (expectations.station_starts, station, starts),
        "start_of_kind": (expectations.kind_starts, kind, starts),
        "end": (expectations.station_ends, station, ends),
    }
    listed = [
        [
            HourFact(form, share, hour)
            for share, hour in zip(
                shares.counted[group, hours].tolist(), shares.busiest(group).tolist(), strict=True
            )
        ]
        for form, (shares, group, hours) in forms.items()
    ]
    rarest = [min(facts, key=lambda fact: fact.share) for facts in zip(*listed, strict=True)]
    of_user = expectations.user_starts
    own = zip(of_user.counted[user, starts].tolist(), of_user.busiest(user).tolist(), strict=True)
    return {
        _HOUR: rarest,
        _USER_HOUR: [HourFact("start_of_user", share, hour) for share, hour in own],
    }
