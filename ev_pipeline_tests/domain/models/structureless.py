"""Sessions without structure, made of others: what no verdict may call structured.

What lives here: two ways to lose it. What does not: the sessions that they are made of.
"""

import numpy as np
import polars as pl


def shuffled(features: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Each column as it was, and none that knows of another."""
    random = np.random.default_rng(seed)
    return _with_power(
        features.with_columns(
            pl.Series(name, random.permutation(features[name].to_numpy()))
            for name in ("start_hour", "duration_h", "energy_kwh")
        )
    )


def uniform(features: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Any hour, stay and energy as likely as any other."""
    random = np.random.default_rng(seed)
    n = len(features)
    return _with_power(
        features.with_columns(
            start_hour=pl.Series(random.uniform(0, 24, n)),
            duration_h=pl.Series(random.uniform(0.5, 24, n)),
            energy_kwh=pl.Series(random.uniform(1, 60, n)),
        )
    )


def _with_power(features: pl.DataFrame) -> pl.DataFrame:
    return features.with_columns(mean_power_kw=pl.col("energy_kwh") / pl.col("duration_h"))
