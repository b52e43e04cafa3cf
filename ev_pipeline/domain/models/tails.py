"""How rare a departure is: the upper tail of each residual, frozen at training.

What lives here: residuals to decades of rarity. What does not: the residuals (`residuals`), and
which of them make an anomaly (`anomaly`).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ev_pipeline.domain.models.values import Floats

SAID_QUANTILE: Final = 0.95
"""What a reason tells of the others: a share that people can picture."""

_TAIL_QUANTILE: Final = 0.9
"""From here on, where 0.1 of the sessions are left, rarity is the exponential tail's."""

_LEAST_WIDTH: Final = 1e-3
"""Of a tail, in a residual's unit: equal values are no tail, and rounding is no rarity."""


@dataclass(frozen=True, slots=True)
class Tails:
    """The upper tail of each column; a column that nobody has is never rare.

    Rarity is in decades: 1 is one session in ten, 2 one in a hundred, and so on beyond what was
    ever seen, by an exponential tail.

    Args:
        middle: median of each column.
        high: where the tail begins.
        decade: how much further in the tail a session is ten times as rare.
        said: the column's `SAID_QUANTILE`.
    """

    middle: Floats
    high: Floats
    decade: Floats
    said: Floats

    @classmethod
    def fit(cls, columns: Floats) -> Self:
        """Freeze the tails of the columns.

        Args:
            columns: shape (columns, sessions); NaN where a session has no such residual.
        """
        fitted = [_tail(column[~np.isnan(column)]) for column in columns]
        return cls(*np.array(fitted).T)

    def decades(self, columns: Floats) -> Floats:
        """Rarity of each residual in decades, from 0; 0 where there is no such residual."""
        middle, high = self.middle[:, np.newaxis], self.high[:, np.newaxis]
        within = (columns - middle) / np.maximum(high - middle, _LEAST_WIDTH)
        beyond = 1 + (columns - high) / self.decade[:, np.newaxis]
        rarity = np.where(columns > high, beyond, np.clip(within, 0, 1))
        return np.nan_to_num(rarity, nan=0.0, copy=False)


def _tail(column: Floats) -> tuple[float, float, float, float]:
    if not len(column):
        return 0.0, float(np.finfo(float).max), 1.0, np.inf
    middle, high, said = np.quantile(column, (0.5, _TAIL_QUANTILE, SAID_QUANTILE))
    excess = column[column > high] - high
    mean_excess = max(excess.mean(), _LEAST_WIDTH) if len(excess) else _LEAST_WIDTH
    return float(middle), float(high), float(mean_excess * np.log(10)), float(said)
