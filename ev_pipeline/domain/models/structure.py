"""Is there structure at all: do sessions group better than their shuffled columns would?

What lives here: the statistic, its null by permutation, and the verdict.
What does not: how many groups there are (`selection`), what the verdict means for people (`naming`,
the panels).

The hour, the stay and the energy of sessions are permuted independently of each other: what remains
is each column's own distribution, which groups nothing by itself. Stays and energies are ranked, so
that a skewed distribution is no structure either.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np

from ev_pipeline.domain.models.centres import Centres
from ev_pipeline.domain.models.samples import sample_positions
from ev_pipeline.domain.models.values import Floats, SessionValues
from ev_pipeline.domain.models.view import LEAST_VARIANCE, hour_pair

STRUCTURED: Final = "structured"
NO_STRUCTURE: Final = "no structure"

SAMPLED_SESSIONS: Final = 2_000
"""Enough for z of 20 and more on every real set; bounds the time of a hundred refits."""

N_PERMUTATIONS: Final = 99
"""The least number with which p can reach `MOST_P`."""

MOST_P: Final = 0.01
LEAST_Z: Final = 5.0
"""Real sets reach 20 and more, sets without structure stay below 1."""

_GROUP_COUNTS: Final = (4, 6, 8)
_N_STARTS: Final = 1
_TOLERANCE: Final = 1e-3
"""Moves the explained share by less than a tenth of the null's deviation, in half the time."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the permutation test found.

    Args:
        explained: mean share of the variance that 4, 6 and 8 centres explain.
        null_mean: the same on permuted columns, on average.
        null_deviation: its standard deviation.
        p_value: share of the permutations, the data among them, that explain as much.
        n_sessions: sessions looked at.
    """

    explained: float
    null_mean: float
    null_deviation: float
    p_value: float
    n_sessions: int

    @classmethod
    def test(cls, values: SessionValues, *, seed: int) -> Self:
        """Compare the sessions with permutations of their columns.

        Args:
            values: sessions, in an order that does not depend on chance.
            seed: seed of the sample, the permutations and the starts.
        """
        random = np.random.default_rng(seed)
        chosen = sample_positions(len(values), SAMPLED_SESSIONS, seed=seed)
        hours, stays, energies = (
            _unit_variance(np.stack(hour_pair(values.start_hour[chosen]))),
            _normal_ranks(values.log_duration[chosen]),
            _normal_ranks(values.log_energy[chosen]),
        )
        explained = _explained(np.vstack([hours, stays, energies]).T, seed)
        null = np.array(
            [
                _explained(
                    np.vstack(
                        [hours, random.permutation(stays.T).T, random.permutation(energies.T).T]
                    ).T,
                    seed,
                )
                for _ in range(N_PERMUTATIONS)
            ]
        )
        return cls(
            explained=explained,
            null_mean=float(null.mean()),
            null_deviation=float(null.std(ddof=1)),
            p_value=float((1 + np.count_nonzero(null >= explained)) / (1 + N_PERMUTATIONS)),
            n_sessions=len(chosen),
        )

    @property
    def z(self) -> float:
        """How many deviations of the null the sessions lie above it; 0 where it does not vary."""
        if self.null_deviation**2 <= LEAST_VARIANCE:
            return 0.0
        return (self.explained - self.null_mean) / self.null_deviation

    @property
    def verdict(self) -> str:
        """`STRUCTURED` or `NO_STRUCTURE`."""
        is_structured = self.p_value <= MOST_P and self.z >= LEAST_Z
        return STRUCTURED if is_structured else NO_STRUCTURE

    def as_measures(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {**asdict(self), "z": self.z}


def _explained(rows: Floats, seed: int) -> float:
    """Mean share of the variance that the centres explain; 0 where nothing varies."""
    total = float(((rows - rows.mean(axis=0)) ** 2).sum())
    if total <= LEAST_VARIANCE:
        return 0.0
    inertias = [
        Centres.fit(
            rows, min(k, len(rows)), seed=seed, n_starts=_N_STARTS, tolerance=_TOLERANCE
        ).inertia
        for k in _GROUP_COUNTS
    ]
    return 1 - float(np.mean(inertias)) / total


def _normal_ranks(values: Floats) -> Floats:
    """The values' ranks as those of a normal distribution, one row; equals get their mean rank."""
    from scipy.special import ndtri  # noqa: PLC0415 - only training pays for it
    from scipy.stats import rankdata  # noqa: PLC0415 - the same

    ranks = rankdata(values) / (len(values) + 1)
    return _unit_variance(np.asarray(ndtri(ranks))[np.newaxis])


def _unit_variance(columns: Floats) -> Floats:
    """Columns as rows of one block, scaled to a joint variance of one."""
    variance = float(columns.var(axis=1).sum())
    return columns / np.sqrt(variance) if variance > LEAST_VARIANCE else columns
