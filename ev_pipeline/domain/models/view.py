"""The session view: five scaled columns of a session's own values, with their limits frozen.

What lives here: which sessions a model may be fitted on, the columns, limits and scales.
What does not: the clusters found in the view (`kmeans`, `dbscan`).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.models.values import Floats, SessionValues

MIN_FIT_SESSIONS: Final = 20
"""Fewer sessions than twice the density model's neighbours show no habit and no cluster."""

_SHORTEST_H: Final = 1 / 60
_LONGEST_H: Final = 48.0
_LEAST_KWH: Final = 0.5
_MOST_KWH: Final = 150.0
_MOST_KW: Final = 400.0
"""Beyond these a session is labelled, but no model is fitted on it."""

_HAS_NO_WARNING: Final = pl.col("quality") == "valid"
_IS_WITHIN_LIMITS: Final = pl.all_horizontal(
    pl.col("duration_h") > _SHORTEST_H,
    pl.col("duration_h") <= _LONGEST_H,
    pl.col("energy_kwh").is_between(_LEAST_KWH, _MOST_KWH),
    pl.col("mean_power_kw") <= _MOST_KW,
)

LEAST_VARIANCE: Final = 1e-18
"""Equal values have this much of rounding at most: divided by it, rounding would look like data."""

WINSOR_QUANTILES: Final = (0.01, 0.99)
_HOURS_PER_DAY: Final = 24.0
_HOUR_COLUMNS: Final = 2


def fit_sessions(features: pl.DataFrame) -> pl.DataFrame:
    """The sessions that models are fitted on, in one order whatever order they came in.

    Args:
        features: columns of `ev_session_features` that a training reads.

    Raises:
        PipelineError: there are too few of them.
    """
    usable = keep_fit_sessions(features).sort("session_id")
    if len(usable) < MIN_FIT_SESSIONS:
        raise PipelineError(
            f"{len(usable)} of {len(features)} sessions can be trained on,"
            f" and a model needs {MIN_FIT_SESSIONS}",
            mend="load more sessions without warnings (1 min to 48 h, 0.5 to 150 kWh)",
        )
    return usable


def keep_fit_sessions(features: pl.DataFrame) -> pl.DataFrame:
    """Those of the sessions that a model may be fitted on, however few.

    Args:
        features: columns of `ev_session_features` that a training reads.
    """
    return features.filter(_HAS_NO_WARNING, _IS_WITHIN_LIMITS)


def count_beyond_fit_limits(features: pl.DataFrame) -> int:
    """Number of the sessions without a warning that no model is fitted on all the same.

    Args:
        features: columns of `ev_session_features` that a training reads.
    """
    return len(features.filter(_HAS_NO_WARNING, ~_IS_WITHIN_LIMITS))


@dataclass(frozen=True, slots=True)
class SessionView:
    """Limits and scales of the view, frozen when a model was fitted.

    Args:
        low: least value of each logarithm (duration, energy, mean power).
        high: greatest value of each.
        centre: what is subtracted from each of the five columns.
        scale: what each is then divided by; one scale for the hour's pair.
    """

    low: Floats
    high: Floats
    centre: Floats
    scale: Floats

    @classmethod
    def fit(cls, values: SessionValues) -> Self:
        """Limits at the 1st and 99th percentile, then unit variance, the hour's pair jointly."""
        logs = _logs(values)
        low, high = np.quantile(logs, WINSOR_QUANTILES, axis=1)
        columns = [*hour_pair(values.start_hour), *_winsorise(logs, low, high)]
        centre = np.array([column.mean() for column in columns])
        variance = np.array([column.var() for column in columns])
        variance[:_HOUR_COLUMNS] = variance[:_HOUR_COLUMNS].sum()
        # A column that does not vary tells nothing: it stays at 0, undivided.
        scale = np.where(variance > LEAST_VARIANCE, np.sqrt(variance), 1.0)
        return cls(low=low, high=high, centre=centre, scale=scale)

    def transform(self, values: SessionValues) -> Floats:
        """The view of the sessions, shape (5, sessions): hour sine and cosine, then three logs."""
        columns = [
            *hour_pair(values.start_hour),
            *_winsorise(_logs(values), self.low, self.high),
        ]
        scaled = zip(columns, self.centre, self.scale, strict=True)
        return np.stack([(column - centre) / scale for column, centre, scale in scaled])

    def seen_from(self, other: Self, rows: Floats) -> Floats:
        """Rows of the `other` view in this one's scale; limits are not applied again."""
        seen: Floats = (rows * other.scale + other.centre - self.centre) / self.scale
        return seen

    def arrays(self) -> dict[str, Floats]:
        """The view as arrays, for an artifact."""
        return {
            "view_low": self.low,
            "view_high": self.high,
            "view_centre": self.centre,
            "view_scale": self.scale,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> Self:
        """The view that `arrays` was made of."""
        return cls(
            low=arrays["view_low"],
            high=arrays["view_high"],
            centre=arrays["view_centre"],
            scale=arrays["view_scale"],
        )


def hour_pair(start_hour: Floats) -> tuple[Floats, Floats]:
    """The hour as a point on a circle, so that 23:59 and 0:01 are near."""
    angle = start_hour * (2 * np.pi / _HOURS_PER_DAY)
    return np.sin(angle), np.cos(angle)


def _logs(values: SessionValues) -> Floats:
    return np.stack([values.log_duration, values.log_energy, values.log_power])


def _winsorise(logs: Floats, low: Floats, high: Floats) -> Floats:
    clipped: Floats = np.clip(logs, low[:, np.newaxis], high[:, np.newaxis])
    return clipped
