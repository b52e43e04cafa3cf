"""Names of clusters: what sets each apart, in words that are unique in a model.

What lives here: the words and the order in which they are used up.
What does not: the figures behind them (`clusters`), which names go on (`matching`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ev_pipeline.domain.models.clusters import HOURS_PER_DAY, Cluster

LEAST_BAND_SHARE: Final = 0.6
"""A period of the day is part of the name where so many sessions of the cluster start in it."""

LEAST_Z: Final = 0.5
"""A descriptor this many deviations from the mean of all sessions sets a cluster apart."""

SHORT_H: Final = 1.5
HOURS_H: Final = 5.0
"""Stays up to these are short, and hours; longer ones are long, or overnight."""

LEAST_OVERNIGHT_SHARE: Final = 0.6


def name_clusters(clusters: Sequence[Cluster], kept: Mapping[int, str]) -> list[str]:
    """A name for each cluster, in their order, no two alike.

    Args:
        clusters: what they are like.
        kept: names that go on from a former model, by number.
    """
    named = dict(kept)
    new = [cluster for cluster in clusters if cluster.number not in kept]
    words = {cluster.number: [_first_words(cluster)] for cluster in new}
    for more in _MORE_WORDS:
        texts = {number: ", ".join(said) for number, said in words.items()}
        uses = Counter([*texts.values(), *kept.values()])
        for cluster in new:
            if uses[texts[cluster.number]] > 1 and (said := more(cluster)):
                words[cluster.number].append(said)
    named |= {number: ", ".join(said) for number, said in words.items()}
    return [named[cluster.number] for cluster in clusters]


def _first_words(cluster: Cluster) -> str:
    descriptors = _descriptors(cluster)
    return ", ".join([*_band(cluster), _stay(cluster), *descriptors[:1]])


def _band(cluster: Cluster) -> list[str]:
    return [cluster.band] if cluster.band_share >= LEAST_BAND_SHARE else []


def _stay(cluster: Cluster) -> str:
    if cluster.duration_h < SHORT_H:
        return "short"
    if cluster.overnight_share >= LEAST_OVERNIGHT_SHARE:
        return "overnight"
    return "hours" if cluster.duration_h < HOURS_H else "long"


def _descriptors(cluster: Cluster) -> list[str]:
    """What is high or low of it, the strongest first."""
    found = (("power", cluster.power_z), ("energy", cluster.energy_z))
    ranked = sorted(found, key=lambda each: -abs(each[1]))
    return [f"{'high' if z > 0 else 'low'} {what}" for what, z in ranked if abs(z) >= LEAST_Z]


def _second_descriptor(cluster: Cluster) -> str:
    return "".join(_descriptors(cluster)[1:2])


def _about_hour(cluster: Cluster) -> str:
    return f"about {round(cluster.start_hour) % int(HOURS_PER_DAY)}:00"


def _about_energy(cluster: Cluster) -> str:
    return f"{cluster.energy_kwh:.0f} kWh"


def _number(cluster: Cluster) -> str:
    return f"no. {cluster.number}"


_MORE_WORDS: Final[tuple[Callable[[Cluster], str], ...]] = (
    _second_descriptor,
    _about_hour,
    _about_energy,
    _number,
)
"""Said of clusters whose names are alike, one after the other, until they are not."""
