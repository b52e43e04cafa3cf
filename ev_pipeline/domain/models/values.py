"""A session's own values as contiguous arrays, which every model of this package starts from.

What lives here: taking the columns out of a frame, and keys of users and stations.
What does not: scaling (`view`), what is usual of a user or station (`habits`).
"""

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Keys = NDArray[np.uint64]

NO_KEY: Final = np.uint64(0)
"""The key of a session without a user; no real key is 0."""

_SMALLEST: Final = 1e-6
_LARGEST: Final = 1e9
"""Hours, kWh and kW are held within these before a logarithm: no stored value may give infinity."""

_KEY_BYTES: Final = 8
"""A million users collide with probability 3e-8; a collision would only blur two habits."""


@dataclass(frozen=True, slots=True)
class SessionValues:
    """One array a measure, one element a session.

    Args:
        start_hour: hour of plug-in on the station's clock, from 0 to 24.
        log_duration: natural logarithm of the plugged-in time in h.
        log_energy: natural logarithm of the energy in kWh.
        log_power: natural logarithm of the mean power in kW.
        user: key of (scope, user), `NO_KEY` where the session names none.
        station: key of (scope, station).
    """

    start_hour: Floats
    log_duration: Floats
    log_energy: Floats
    log_power: Floats
    user: Keys
    station: Keys

    def __len__(self) -> int:
        """Number of sessions."""
        return len(self.start_hour)

    def at(self, positions: Integers) -> Self:
        """The sessions at these positions."""
        return replace(
            self, **{name: getattr(self, name)[positions] for name in self.__dataclass_fields__}
        )


def session_values(sessions: pl.DataFrame) -> SessionValues:
    """Take the models' inputs out of a frame.

    Args:
        sessions: frame with scope, station_id, user_id, start_hour, duration_h, energy_kwh and
            mean_power_kw; only user_id may be null.
    """
    return SessionValues(
        start_hour=floats(sessions["start_hour"]),
        log_duration=_log(sessions["duration_h"]),
        log_energy=_log(sessions["energy_kwh"]),
        log_power=_log(sessions["mean_power_kw"]),
        user=keys_of(sessions, "user_id"),
        station=keys_of(sessions, "station_id"),
    )


def floats(series: pl.Series) -> Floats:
    """The series as one contiguous array; null becomes NaN."""
    return np.ascontiguousarray(series.cast(pl.Float64).to_numpy(), dtype=np.float64)


def _log(series: pl.Series) -> Floats:
    logs: Floats = np.log(np.clip(floats(series), _SMALLEST, _LARGEST))
    return logs


def keys_of(sessions: pl.DataFrame, column: str) -> Keys:
    """Keys that hold no user's name and have one width, however long the ids are.

    Args:
        sessions: frame with scope and the column.
        column: user_id or station_id; `NO_KEY` is the key of null.
    """
    # No text from a database holds NUL, so scope and id cannot run into each other.
    texts = sessions.select(pl.concat_str("scope", column, separator="\0").alias("text"))
    listed: list[str | None] = texts["text"].to_list()
    table = {text: int(NO_KEY) if text is None else _key(text) for text in set(listed)}
    return np.fromiter(map(table.__getitem__, listed), dtype=np.uint64, count=len(listed))


def _key(text: str) -> int:
    return max(int.from_bytes(blake2b(text.encode(), digest_size=_KEY_BYTES).digest()), 1)
