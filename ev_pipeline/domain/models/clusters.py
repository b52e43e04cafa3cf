"""What the clusters of a model are like: typical sessions, and what sets each apart.

What lives here: one description a cluster, from the sessions that it was fitted on.
What does not: the words for it (`naming`), profiles of all stored sessions (`profiles`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ev_pipeline.domain.models.kmeans import KMeansModel
from ev_pipeline.domain.models.values import Floats, Integers, SessionValues

HOURS_PER_DAY: Final = 24.0

BANDS: Final = (("night", 0.0), ("morning", 6.0), ("afternoon", 12.0), ("evening", 18.0))
"""Periods of the day and the hour at which each begins, as in the features of users."""

_DEEP_NIGHT_H: Final = 3.0
"""Who is plugged in at three stays overnight."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster in natural units.

    Args:
        number: its number.
        share: of the sessions.
        start_hour: mean hour of plug-in on the circle of the day.
        duration_h: median stay, h.
        energy_kwh: median energy, kWh.
        mean_power_kw: median mean power, kW.
        band: the period of the day in which most start.
        band_share: share that starts in it.
        overnight_share: share that is plugged in at three at night.
        energy_z: log energy of the centre, in deviations from the mean of all sessions.
        power_z: log mean power of the centre, likewise.
    """

    number: int
    share: float
    start_hour: float
    duration_h: float
    energy_kwh: float
    mean_power_kw: float
    band: str
    band_share: float
    overnight_share: float
    energy_z: float
    power_z: float


def describe_clusters(
    model: KMeansModel, values: SessionValues, numbers: Integers
) -> list[Cluster]:
    """Describe each cluster by its sessions, in the order of the numbers.

    Args:
        model: the model.
        values: sessions.
        numbers: the cluster of each.
    """
    described = []
    for position, number in enumerate(model.numbers.tolist()):
        inside = numbers == number
        # A cluster of which a sample has no session is described by its centre alone.
        members = values.at(np.flatnonzero(inside)) if inside.any() else values
        described.append(_describe(model, position, members, share=float(inside.mean())))
    return described


def _describe(
    model: KMeansModel, position: int, members: SessionValues, *, share: float
) -> Cluster:
    starts = np.array([start for _, start in BANDS])
    bands = np.searchsorted(starts, members.start_hour % HOURS_PER_DAY, side="right") - 1
    counts = np.bincount(bands, minlength=len(BANDS))
    stay_h = np.exp(members.log_duration)
    until_three_h = (_DEEP_NIGHT_H - members.start_hour) % HOURS_PER_DAY
    return Cluster(
        number=int(model.numbers[position]),
        share=share,
        start_hour=mean_hour(members.start_hour),
        duration_h=float(np.median(stay_h)),
        energy_kwh=float(np.exp(np.median(members.log_energy))),
        mean_power_kw=float(np.exp(np.median(members.log_power))),
        band=BANDS[int(counts.argmax())][0],
        band_share=float(counts.max() / len(members)),
        overnight_share=float(np.mean(stay_h >= until_three_h)),
        energy_z=float(model.centres[position, 3]),
        power_z=float(model.centres[position, 4]),
    )


def mean_hour(hours: Floats) -> float:
    """The mean on the circle of the day: of 23 and 1 it is 0."""
    angle = hours * (2 * np.pi / HOURS_PER_DAY)
    mean = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())
    return float(mean * HOURS_PER_DAY / (2 * np.pi) % HOURS_PER_DAY)
