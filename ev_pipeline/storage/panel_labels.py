"""What the champion says of all sessions, for panels: clusters, counts and reasons, from sums.

What lives here: figures made of sums. What does not: the sums (`label_sums`), lists of sessions
(`panel_lists`).
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ev_pipeline.storage.label_sums import read_label_sums
from ev_pipeline.storage.panel_snapshot import Snapshot


@dataclass(slots=True)
class ClusterSums:
    """What is known of one cluster's sessions.

    Args:
        counts: sessions by what they are: `session` (all), `noise`, `anomaly`.
        reasons: anomalies by the code of a reason.
        bins: by quantity, the number of sessions in each bin and the sum of their values.
    """

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    bins: dict[str, dict[int, tuple[int, float]]] = field(default_factory=lambda: defaultdict(dict))

    def median(self, quantity: str) -> float:
        """The mean of the bin in which the middle session lies: within 1 % of the median."""
        half = (self.counts["session"] + 1) // 2
        for _, (n, total) in sorted(self.bins[quantity].items()):
            half -= n
            if half <= 0:
                return total / n
        raise ValueError(f"no session has {quantity}")


def sums_by_cluster(snapshot: Snapshot) -> dict[int, ClusterSums]:
    """The champion's clusters by number; none where there is no champion."""
    clusters: dict[int, ClusterSums] = defaultdict(ClusterSums)
    connection, version = snapshot.connection, snapshot.model_version
    if version is None:
        return clusters
    for number, measure, key, n, total in read_label_sums(connection, version):
        sums = clusters[number]
        if measure == "reason":
            sums.reasons[key] = n
        elif key:
            sums.bins[measure][int(key)] = (n, total)
        else:
            sums.counts[measure] = n
    return dict(sorted(clusters.items()))


def count_all(clusters: Mapping[int, ClusterSums], what: str) -> int:
    """Sessions of all clusters that are something: `session` (all), `noise`, `anomaly`."""
    return sum(sums.counts[what] for sums in clusters.values())


def reasons_by_code(clusters: Mapping[int, ClusterSums]) -> list[dict[str, Any]]:
    """How many sessions each reason makes anomalies; one with several counts for each."""
    totals: dict[str, int] = defaultdict(int)
    for sums in clusters.values():
        for code, n in sums.reasons.items():
            totals[code] += n
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return [{"code": code, "n_sessions": n} for code, n in ranked]


def summarise(
    clusters: Mapping[int, ClusterSums], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Each cluster's size, typical session and what is odd.

    Args:
        clusters: their sums.
        names: what they are called, by number.
    """
    n_labelled = count_all(clusters, "session")
    return [
        {
            "kmeans_cluster": number,
            "cluster_name": names.get(str(number)),
            "n_sessions": sums.counts["session"],
            "share": sums.counts["session"] / n_labelled,
            "median_energy_kwh": sums.median("energy_kwh"),
            "median_duration_h": sums.median("duration_h"),
            "n_noise": sums.counts["noise"],
            "n_anomalies": sums.counts["anomaly"],
        }
        for number, sums in clusters.items()
    ]
