"""How separate groups are: silhouettes, and what remains of them where columns are permuted.

What lives here: the measure on rows that are at hand, and permuted sessions as its null.
What does not: which groups are good enough (`selection`, `promotion`).

References:
    Rousseeuw (1987): Silhouettes, a graphical aid to the interpretation of cluster analysis.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from ev_pipeline.domain.models.values import Floats, Integers, SessionValues

SILHOUETTE_SESSIONS: Final = 2_000
"""Time and memory grow with the square: 32 MB; the mean moves by less than 0.01 beyond it."""


def distances_between(rows: Floats) -> Floats:
    """Distance of every row to every row; one matrix serves the silhouettes of many groupings."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - only training pays for it

    distances: Floats = cdist(rows, rows)
    return distances


def silhouettes(distances: Floats, groups: Integers) -> Floats:
    """The silhouette of each row: 1 well inside its group, 0 between two, 0 where it is alone.

    Args:
        distances: of every row to every row.
        groups: group of each row, any numbers.
    """
    present, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(present) == 1:
        return np.zeros(len(groups))
    # Column by column: a matrix product's last bits depend on the number of threads.
    sums = np.stack([distances[:, group == each].sum(axis=1) for each in range(len(present))])
    everybody = np.arange(len(group))
    own_size = sizes[group]
    within = sums[group, everybody] / np.maximum(own_size - 1, 1)
    means = sums / sizes[:, np.newaxis]
    means[group, everybody] = np.inf
    nearest = means.min(axis=0)
    largest = np.maximum(within, nearest)
    scores: Floats = np.divide(
        nearest - within, largest, out=np.zeros(len(group)), where=(own_size > 1) & (largest > 0)
    )
    return scores


def permuted(values: SessionValues, random: np.random.Generator) -> SessionValues:
    """The sessions with hours, stays and energies that know nothing of each other.

    How much longer than it charged a session stayed is permuted too, so that mean power follows
    from the others as it did.

    Args:
        values: sessions.
        random: where the permutations come from.
    """
    rest = values.log_power - values.log_energy + values.log_duration
    stay, energy = random.permutation(values.log_duration), random.permutation(values.log_energy)
    return replace(
        values,
        start_hour=random.permutation(values.start_hour),
        log_duration=stay,
        log_energy=energy,
        log_power=energy - stay + random.permutation(rest),
    )
