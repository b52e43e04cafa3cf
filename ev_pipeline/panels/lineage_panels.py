"""Panels that the publishing op builds after a run: users, stations, clusters, anomalies.

What lives here: what looks at every user, station or label, and so is not built each second.
What does not: the worker's panels (`live_panels`, `state_panels`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ev_pipeline.domain.models.card import notice
from ev_pipeline.domain.models.profiles import STATION_KINDS
from ev_pipeline.domain.periods import Period, last_days
from ev_pipeline.panels import measures
from ev_pipeline.panels.drift_state import DriftState, show_drift
from ev_pipeline.panels.envelope import Content
from ev_pipeline.panels.explained import with_cluster_reasons
from ev_pipeline.storage import panel_counts as counts
from ev_pipeline.storage import panel_labels as labels
from ev_pipeline.storage import panel_lists as lists
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.panel_sums import Sums, last_day, sums_of_all
from ev_pipeline.storage.profiles import read_profiles
from ev_pipeline.storage.registry import ModelVersion, read_champion

TOP_USERS: Final = 20
"""Ranks shown one by one; the long tail is shown by classes."""

USER_CLASSES: Final = ((1, 1), (2, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, None))
"""Classes of users by number of sessions: from, to."""

HEAVY_SHARES: Final = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of users, those with most sessions, of whose share of sessions the panel tells."""

MAX_STATIONS: Final = 400
"""Stations listed, those with most sessions: within 500 points."""

UTILISATION_DAYS: Final = 28
"""d; four whole weeks, up to the last day on which a session starts."""

_PROFILED: Final = (
    *("start_hour", "median_power_kw", "hour_shares", "weekday_shares", "station_shares"),
)
"""What the panel takes of a cluster's profile; its size and medians are counted as they are now."""

NEWEST_ANOMALIES: Final = 50
"""Enough for a page; the counts tell of all."""


def build_users(snapshot: Snapshot) -> Content:
    """How sessions are shared out among users, by rank and class; nobody is named."""
    users = lists.users_by_sessions(snapshot)
    n_sessions = sum(user["n_sessions"] for user in users)
    n_repeat = sum(user["n_sessions"] > 1 for user in users)
    total = sums_of_all(snapshot)
    data = {
        "n_users": len(users),
        "n_repeat_users": n_repeat,
        "repeat_share": measures.ratio(n_repeat, len(users)),
        "n_sessions_with_user": n_sessions,
        "user_share": measures.ratio(n_sessions, total.n_sessions),
        "top": [
            {
                "rank": rank,
                "n_sessions": user["n_sessions"],
                "total_energy_kwh": measures.number(user["energy_kwh"]),
                "session_share": measures.ratio(user["n_sessions"], n_sessions),
            }
            for rank, user in enumerate(users[:TOP_USERS], start=1)
        ],
        "classes": [_user_class(users, low, high) for low, high in USER_CLASSES],
        "concentration": [_heaviest(users, share, n_sessions) for share in HEAVY_SHARES],
    }
    return Content(data, total.n_sessions, counts.count_refused(snapshot))


def _user_class(users: list[Mapping[str, Any]], low: int, high: int | None) -> dict[str, Any]:
    inside = [
        user
        for user in users
        if low <= user["n_sessions"] and (high is None or user["n_sessions"] <= high)
    ]
    return {
        "from_sessions": low,
        "to_sessions": high,
        "n_users": len(inside),
        "n_sessions": sum(user["n_sessions"] for user in inside),
    }


def _heaviest(users: list[Mapping[str, Any]], share: float, n_sessions: int) -> dict[str, Any]:
    """What share of sessions the users with most sessions have, at least one user."""
    count = max(1, round(share * len(users))) if users else 0
    heavy = sum(user["n_sessions"] for user in users[:count])
    return {"user_share": share, "session_share": measures.ratio(heavy, n_sessions)}


def build_stations(snapshot: Snapshot) -> Content:
    """What happened at each station, where it is, and how much of the last weeks it was taken."""
    total = sums_of_all(snapshot)
    refused = counts.count_refused(snapshot)
    last = last_day(snapshot)
    if last is None:
        empty: dict[str, Any] = {
            "first_day": None,
            "last_day": None,
            "n_stations": 0,
            "stations": [],
        }
        return Content(empty, 0, refused)
    recent = last_days(last, UTILISATION_DAYS, snapshot.zone)
    rows = lists.stations_by_sessions(snapshot, recent, limit=MAX_STATIONS)
    data = {
        "first_day": recent.first_day,
        "last_day": recent.last_day,
        "n_stations": counts.count_stations(snapshot),
        "stations": [_station(row, recent) for row in rows],
    }
    return Content(data, total.n_sessions, refused)


def _station(row: Mapping[str, Any], recent: Period) -> dict[str, Any]:
    sums = Sums(**{name: row[name] for name in Sums.__slots__})
    observed_days = (row["last_session_day"] - row["first_session_day"]).days + 1
    return {
        **{name: row[name] for name in ("scope", "station_id", "name", "latitude", "longitude")},
        **{name: row[name] for name in ("power_kw", "connectors", "is_registered")},
        **measures.use(sums),
        "cost_per_kwh": measures.cost_per_kwh(sums),
        **measures.after_charging(sums),
        "daily_energy_kwh": measures.ratio(sums.energy_kwh, observed_days),
        "n_no_energy": row["n_no_energy"],
        "first_session_day": row["first_session_day"],
        "last_session_day": row["last_session_day"],
        "utilisation": _utilisation(row, recent),
    }


def _utilisation(row: Mapping[str, Any], recent: Period) -> dict[str, Any]:
    """How much of its connectors' time a station was taken, and gave energy.

    Null where nobody knows how many connectors there are, or of no session how long it took.
    """
    n_sessions = row["recent_n_sessions"]
    known = n_sessions - row["recent_n_unknown"]
    offered_s = Decimal(row["connectors"] or 0) * Decimal(recent.duration_s)
    is_charging_known = row["recent_n_charging"] > 0 or n_sessions == 0
    is_occupied_known = known > 0 or n_sessions == 0
    return {
        "n_sessions": n_sessions,
        "occupied_h": measures.hours(row["occupied_s"]) if is_occupied_known else None,
        "occupied_share": measures.ratio(row["occupied_s"], offered_s)
        if is_occupied_known
        else None,
        "occupied_known_share": measures.ratio(known, n_sessions),
        "charging_h": measures.hours(row["recent_charging_s"]) if is_charging_known else None,
        "charging_share": measures.ratio(row["recent_charging_s"], offered_s)
        if is_charging_known
        else None,
        "charging_known_share": measures.ratio(row["recent_n_charging"], n_sessions),
    }


def build_clusters(snapshot: Snapshot, drift: DriftState | None = None) -> Content:
    """The champion's clusters: how many sessions each has, and what a typical one is like.

    Args:
        snapshot: the moment.
        drift: what the last report found; null where there is none.
    """
    champion = read_champion(snapshot.connection)
    version = "" if champion is None else champion.version
    profile_of = read_profiles(snapshot.connection, version)
    clusters = labels.sums_by_cluster(snapshot)
    n_labelled = labels.count_all(clusters, "session")
    names = {} if champion is None else champion.cluster_names
    data = {
        "verdict": None if champion is None else champion.verdict,
        "notice": None if champion is None else _notice(champion),
        "n_labelled": n_labelled,
        "drift": show_drift(drift, version or None),
        "station_kinds": STATION_KINDS,
        "clusters": [
            {**row, **_profile(profile_of.get(row["kmeans_cluster"]))}
            for row in labels.summarise(clusters, names)
        ],
    }
    return Content(data, n_labelled, counts.count_refused(snapshot))


def _notice(champion: ModelVersion) -> str | None:
    """What has to be said of the clusters in plain words; null where they are sound."""
    is_valid = champion.measures.get("kmeans", {}).get("k_is_valid", False)
    return None if champion.verdict is None else notice(champion.verdict, is_valid=is_valid)


def _profile(profile: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the last full run found of a cluster; null before the first."""
    return {name: None if profile is None else profile[name] for name in _PROFILED}


def build_anomalies(snapshot: Snapshot) -> Content:
    """The sessions that are odd, the latest first, with why, and why in their clusters."""
    clusters = labels.sums_by_cluster(snapshot)
    n_anomalies = labels.count_all(clusters, "anomaly")
    n_labelled = labels.count_all(clusters, "session")
    newest = lists.newest_anomalies(snapshot, limit=min(n_anomalies, NEWEST_ANOMALIES))
    data = {
        "n_labelled": n_labelled,
        "n_anomalies": n_anomalies,
        "anomaly_share": measures.ratio(n_anomalies, n_labelled),
        "by_code": labels.reasons_by_code(clusters),
        "newest": with_cluster_reasons(snapshot, newest),
    }
    return Content(data, n_labelled, counts.count_refused(snapshot))
