"""Anomalies: rules first, then an isolation forest on what is unexpected of a session.

What lives here: fitting on earlier sessions, the threshold from later ones, scores and reasons.
What does not: the residuals themselves (`residuals`), the rules (`rules`), the words (`reasons`).
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import polars as pl

from ev_pipeline.domain.models.artifact import pack, unpack
from ev_pipeline.domain.models.forest import FlatForest
from ev_pipeline.domain.models.reasons import (
    QUANTITIES,
    Background,
    reason_lists,
    residual_reason,
    rule_reasons,
)
from ev_pipeline.domain.models.residuals import RESIDUALS, STATION_DEPARTURES, Expectations
from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.values import Booleans, Floats, Integers, SessionValues

KIND: Final = "isolation_forest"
MAX_REASONS: Final = 3
"""More than three numbers explain nothing to a person."""

_WORTH_SAYING: Final = 0.3
"""A residual is named if it raises the score by this much of what the strongest does."""

_WINDOWS: Final = 5
"""The later sessions are judged in as many stretches of time: habits drift, and a threshold that
holds in each of them holds better in the next (1.7 % false alarms for 2 %, against 2.2 %)."""

_WINDOW_SESSIONS: Final = 1_000
"""With fewer, the highest of several thresholds is set by chance and misses anomalies."""

_FOREST_FIELDS: Final = ("roots", "column", "limit", "left", "right", "path")


@dataclass(frozen=True, slots=True)
class AnomalyModel:
    """What is usual, the forest that weighs departures from it, and where an anomaly begins.

    Args:
        expectations: what each session is held against.
        forest: the isolation forest on the residuals.
        typical: median of each residual among the fitted sessions.
        threshold: a higher score is an anomaly.
    """

    expectations: Expectations
    forest: FlatForest
    typical: Floats
    threshold: float

    @classmethod
    def fit(
        cls,
        earlier: SessionValues,
        later: SessionValues,
        *,
        seed: int,
        false_alarm_rate: float,
    ) -> Self:
        """Learn from earlier sessions, and set the threshold on later ones.

        Args:
            earlier: ordinary sessions, in an order that does not depend on chance.
            later: ordinary sessions that the forest has not seen, in order of time.
            seed: seed of the forest.
            false_alarm_rate: share of the later sessions that may lie above the threshold, in
                every stretch of their time.
        """
        expectations = Expectations.fit(earlier)
        columns = expectations.residuals(earlier)
        forest = FlatForest.fit(columns.T, seed=seed)
        scores = forest.scores(expectations.residuals(later))
        return cls(
            expectations=expectations,
            forest=forest,
            typical=np.median(columns, axis=1),
            threshold=_threshold(scores, false_alarm_rate),
        )

    def scores(self, values: SessionValues) -> Floats:
        """How odd each session is, from 0 to 1."""
        return self.forest.scores(self.expectations.residuals(values))

    def label(self, sessions: pl.DataFrame, values: SessionValues) -> pl.DataFrame:
        """Score, verdict and reasons of each session.

        Args:
            sessions: frame with the columns that `session_values` needs, charging_duration_h and
                quality_codes.
            values: the same sessions' values.

        Returns:
            Columns anomaly_score, is_anomaly and anomaly_reasons, in the order of `sessions`.
        """
        columns = self.expectations.residuals(values)
        scores = self.forest.scores(columns)
        is_odd = scores > self.threshold
        breaks_rule = (
            sessions["quality_codes"].list.set_intersection(list(RULES)).list.len() > 0
        ).to_numpy()
        reasons = self._reasons(sessions, values, columns, scores, is_odd, breaks_rule)
        return pl.DataFrame(
            {
                "anomaly_score": scores,
                "is_anomaly": is_odd | breaks_rule,
                "anomaly_reasons": reason_lists(reasons, len(sessions)),
            }
        )

    def _reasons(
        self,
        sessions: pl.DataFrame,
        values: SessionValues,
        columns: Floats,
        scores: Floats,
        is_odd: Booleans,
        breaks_rule: Booleans,
    ) -> list[dict[str, Any]]:
        """Reasons of all anomalies: broken rules first, then the strongest residuals."""
        rows = np.flatnonzero(is_odd | breaks_rule)
        if not len(rows):
            return []
        expected = self.expectations.expected(values)
        hour_share = self.expectations.hour_share(values)
        drivers = iter(self._drivers(columns[:, is_odd], scores[is_odd], hour_share[is_odd]))
        is_known = self.expectations.knows_station(values)
        reasons: list[dict[str, Any]] = []
        for row, session in zip(rows.tolist(), sessions[rows].iter_rows(named=True), strict=True):
            reasons.extend(rule_reasons(row, session))
            for residual in next(drivers) if is_odd[row] else []:
                background = Background(
                    expected=float(expected[residual, row]),
                    hour_share=float(hour_share[row]),
                    is_station_known=bool(is_known[row]),
                )
                reasons.append(residual_reason(row, session, RESIDUALS[residual], background))
        return reasons

    def _drivers(self, columns: Floats, scores: Floats, hour_share: Floats) -> list[list[int]]:
        """For each session the unusual residuals that raise its score, one a quantity.

        The strongest come first: a residual raises the score by what the score falls if it were
        typical. More energy than the user's is mostly more than the station's too, and to say both
        leaves less room for another fact. Where none is
        unusual by itself, the greatest departure from the station's habits stands for all.
        """
        raises = np.empty_like(columns)
        for residual, typical in enumerate(self.typical):
            ordinary = columns.copy()
            ordinary[residual] = typical
            raises[residual] = scores - self.forest.scores(ordinary)
        is_unusual = self.expectations.is_unusual(columns, self.typical, hour_share)
        raises = np.where(is_unusual, raises, -np.inf)
        order: Integers = np.argsort(-raises, axis=0, kind="stable")
        greatest = np.abs(columns[list(STATION_DEPARTURES)]).argmax(axis=0)
        drivers = []
        for session, ranked in enumerate(order.T.tolist()):
            raised = raises[:, session]
            if not is_unusual[ranked[0], session]:
                drivers.append([STATION_DEPARTURES[greatest[session]]])
                continue
            least = max(_WORTH_SAYING * raised[ranked[0]], np.finfo(float).tiny)
            others = [residual for residual in ranked[1:] if raised[residual] >= least]
            drivers.append(_first_of_each_quantity([ranked[0], *others])[:MAX_REASONS])
        return drivers

    def to_bytes(self) -> bytes:
        """The model as an artifact."""
        forest = {f"forest.{name}": getattr(self.forest, name) for name in _FOREST_FIELDS}
        arrays = {**self.expectations.arrays(), **forest, "typical": self.typical}
        scalars = {
            "threshold": self.threshold,
            "depth": self.forest.depth,
            "normal_path": self.forest.normal_path,
        }
        return pack(KIND, arrays, scalars)

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Self:
        """The model that `artifact` was made of."""
        arrays, scalars = unpack(KIND, artifact)
        forest = {name: arrays[f"forest.{name}"] for name in _FOREST_FIELDS}
        return cls(
            expectations=Expectations.from_arrays(arrays),
            forest=FlatForest(**forest, depth=scalars["depth"], normal_path=scalars["normal_path"]),
            typical=arrays["typical"],
            threshold=scalars["threshold"],
        )


def _first_of_each_quantity(residuals: list[int]) -> list[int]:
    """The residuals without those whose quantity an earlier one has named."""
    first: dict[str, int] = {}
    for residual in residuals:
        first.setdefault(QUANTITIES[RESIDUALS[residual]], residual)
    return list(first.values())


def _threshold(scores: Floats, false_alarm_rate: float) -> float:
    """The least score that keeps the rate in every stretch of the scores' time."""
    n_windows = min(max(len(scores) // _WINDOW_SESSIONS, 1), _WINDOWS)
    return max(
        float(np.quantile(window, 1 - false_alarm_rate, method="higher"))
        for window in np.array_split(scores, n_windows)
    )
