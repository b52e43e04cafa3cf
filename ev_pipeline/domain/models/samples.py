"""Seeded samples of sessions.

What lives here: which positions a sample takes. What does not: what is done with them.
"""

import numpy as np

from ev_pipeline.domain.models.values import Integers


def sample_positions(n: int, at_most: int, *, seed: int) -> Integers:
    """Ascending positions of a seeded sample; all of them where there are few enough.

    Args:
        n: how many there are to choose from.
        at_most: how many are taken.
        seed: seed of the choice.
    """
    if n <= at_most:
        return np.arange(n)
    chosen = np.random.default_rng(seed).choice(n, at_most, replace=False, shuffle=False)
    return np.sort(chosen)
