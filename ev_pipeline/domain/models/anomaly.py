"""Anomalies: rules first, then whatever is rarer than the stated rate lets ordinary sessions be.

What lives here: fitting on earlier sessions, the threshold from later ones, scores and labels.
What does not: the residuals (`residuals`), their rarity (`tails`, `forest`), the rules (`rules`),
and which of them are told (`explaining`).
"""

from dataclasses import dataclass, fields, replace
from typing import Final, Self

import numpy as np
import polars as pl

from ev_pipeline.domain.models.artifact import pack, unpack
from ev_pipeline.domain.models.explaining import anomaly_reasons
from ev_pipeline.domain.models.forest import FlatForest
from ev_pipeline.domain.models.residuals import RESIDUALS, Expectations
from ev_pipeline.domain.models.rules import RULES
from ev_pipeline.domain.models.tails import Tails
from ev_pipeline.domain.models.values import Floats, SessionValues

KIND: Final = "isolation_forest"

_HANDICAPS: Final = {
    "power_over_station": 0.0,
    "long_for_energy": 0.4,
    "long_at_station": 0.4,
    "little_energy": 0.9,
    "much_energy": 0.9,
    "unusual_hour": -0.6,
    "long_for_user": 0.4,
    "much_energy_for_user": 0.4,
    "unusual_hour_for_user": 0.0,
}
"""Decades by which each residual must be rarer to count as much. What operators look for gets more
of the false alarms that are allowed: too much power and a wrong clock before a long stay, and that
before an odd amount of energy. Without, a wrong clock is found in a third fewer of the cases."""

_WINDOWS: Final = 6
"""The later sessions are judged in as many stretches of time: habits drift, and a threshold that
holds in each of them holds better in the next."""

_WINDOW_SESSIONS: Final = 250
"""With fewer, the highest of several thresholds is set by chance and misses anomalies."""

_OUTLYING: Final = 1.5
"""Times the middle threshold: a stretch in which something new began (a station replaced by a
faster one) tells of that, and not of ordinary sessions."""

_ROUNDING: Final = 1e-6
"""In decades: sessions that are alike differ by less."""

_FOREST_FIELDS: Final = ("roots", "column", "limit", "left", "right", "path")
_TAIL_FIELDS: Final = tuple(field.name for field in fields(Tails))


@dataclass(frozen=True, slots=True)
class AnomalyModel:
    """What is usual, how rare each departure from it is, and where an anomaly begins.

    Args:
        expectations: what each session is held against.
        tails: how rare each residual is.
        forest: the isolation forest on the rarities, for several that are odd only together.
        joint: how rare the forest's score is.
        threshold: a higher score is an anomaly.
        calibration_share: share of the later sessions above the threshold, by what the earlier
            ones had taught.
    """

    expectations: Expectations
    tails: Tails
    forest: FlatForest
    joint: Tails
    threshold: float
    calibration_share: float

    @classmethod
    def fit(
        cls,
        earlier: SessionValues,
        later: SessionValues,
        *,
        seed: int,
        false_alarm_rate: float,
    ) -> Self:
        """Set the threshold on later sessions by what earlier ones taught, then learn from both.

        Where so many sessions are alike that learning from both scores the later ones higher, the
        threshold follows: no ordinary session becomes an anomaly by having been learnt from.

        Args:
            earlier: ordinary sessions, in an order that does not depend on chance.
            later: the ordinary sessions after them, in order of time.
            seed: seed of the forest.
            false_alarm_rate: share of the later sessions that may lie above the threshold, in
                every stretch of their time.
        """
        scores = cls._learn(earlier, seed=seed).scores(later)
        learnt = cls._learn(_joined(earlier, later), seed=seed)
        threshold = max(
            _threshold(scores, false_alarm_rate),
            _threshold(learnt.scores(later), false_alarm_rate),
        )
        return replace(
            learnt,
            threshold=threshold,
            calibration_share=float(np.mean(scores > threshold)),
        )

    @classmethod
    def _learn(cls, values: SessionValues, *, seed: int) -> Self:
        """What is usual among the sessions; nothing is an anomaly yet."""
        expectations = Expectations.fit(values)
        columns = expectations.residuals(values)
        tails = Tails.fit(columns)
        rarity = tails.decades(columns)
        forest = FlatForest.fit(rarity.T, seed=seed)
        joint = Tails.fit(forest.scores(rarity)[np.newaxis])
        return cls(expectations, tails, forest, joint, threshold=np.inf, calibration_share=0.0)

    def scores(self, values: SessionValues) -> Floats:
        """How rare each session is, in decades of sessions: 2 is one in a hundred."""
        return self._scored(self.expectations.residuals(values))[0]

    def label(self, sessions: pl.DataFrame, values: SessionValues) -> pl.DataFrame:
        """Score, verdict and reasons of each session.

        Args:
            sessions: frame with the columns that `session_values` needs, charging_duration_h and
                quality_codes.
            values: the same sessions' values.

        Returns:
            Columns anomaly_score, is_anomaly and anomaly_reasons, in the order of `sessions`.
        """
        scores, counted = self._scored(self.expectations.residuals(values))
        is_odd = scores > self.threshold
        codes: list[list[str]] = sessions["quality_codes"].to_list()
        breaks_rule = np.array([not RULES.keys().isdisjoint(own) for own in codes], dtype=bool)
        is_anomaly = is_odd | breaks_rule
        reasons = anomaly_reasons(
            sessions,
            values,
            self.expectations,
            said=self.tails.said,
            counted=counted,
            is_odd=is_odd,
            is_anomaly=is_anomaly,
        )
        return pl.DataFrame(
            {"anomaly_score": scores, "is_anomaly": is_anomaly, "anomaly_reasons": reasons}
        )

    def _scored(self, columns: Floats) -> tuple[Floats, Floats]:
        """The score of each session, and what each residual counts towards it."""
        rarity = self.tails.decades(columns)
        counted = rarity - _HANDICAP_COLUMN
        together = self.joint.decades(self.forest.scores(rarity)[np.newaxis])[0]
        # The forest's score is never below 0, and so neither is what comes of it.
        return np.maximum(counted.max(axis=0), together), counted

    def to_bytes(self) -> bytes:
        """The model as an artifact."""
        forest = {f"forest.{name}": getattr(self.forest, name) for name in _FOREST_FIELDS}
        tails = {
            f"{of}.{name}": getattr(getattr(self, of), name)
            for of in ("tails", "joint")
            for name in _TAIL_FIELDS
        }
        scalars = {
            "threshold": self.threshold,
            "calibration_share": self.calibration_share,
            "depth": self.forest.depth,
            "normal_path": self.forest.normal_path,
        }
        return pack(KIND, {**self.expectations.arrays(), **forest, **tails}, scalars)

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Self:
        """The model that `artifact` was made of."""
        arrays, scalars = unpack(KIND, artifact)
        forest = {name: arrays[f"forest.{name}"] for name in _FOREST_FIELDS}
        tails, joint = (
            Tails(**{name: arrays[f"{of}.{name}"] for name in _TAIL_FIELDS})
            for of in ("tails", "joint")
        )
        return cls(
            expectations=Expectations.from_arrays(arrays),
            tails=tails,
            forest=FlatForest(**forest, depth=scalars["depth"], normal_path=scalars["normal_path"]),
            joint=joint,
            threshold=scalars["threshold"],
            calibration_share=scalars["calibration_share"],
        )


_HANDICAP_COLUMN: Final = np.array([_HANDICAPS[code] for code in RESIDUALS])[:, np.newaxis]


def _joined(earlier: SessionValues, later: SessionValues) -> SessionValues:
    """The sessions of both, in their order."""
    names = [field.name for field in fields(SessionValues)]
    return SessionValues(
        **{name: np.concatenate([getattr(earlier, name), getattr(later, name)]) for name in names}
    )


def _threshold(scores: Floats, false_alarm_rate: float) -> float:
    """The least score that keeps the rate in every stretch of time but an outlying one."""
    n_windows = min(max(len(scores) // _WINDOW_SESSIONS, 1), _WINDOWS)
    each = np.array(
        [
            np.quantile(window, 1 - false_alarm_rate, method="higher")
            for window in np.array_split(scores, n_windows)
        ]
    )
    return float(each[each <= _OUTLYING * np.median(each)].max()) + _ROUNDING
