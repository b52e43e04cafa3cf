"""Profiles: typical values and shares of what is stored, recounted by hand."""

import polars as pl
import pytest

from ev_pipeline.domain.models.profiles import STATION_KINDS, profile_clusters


def sessions_of_clusters(numbers: list[int]) -> pl.DataFrame:
    """Four sessions a cluster, around midnight on a Monday and on Sundays."""
    return pl.concat(
        pl.DataFrame(
            {
                "kmeans_cluster": [number] * 4,
                "start_hour": [23.0, 23.5, 0.5, 1.0],
                "weekday": [7, 7, 7, 1],
                "duration_h": [1.0, 2.0, 4.0, 9.0],
                "energy_kwh": [5.0, 7.0, 9.0, 30.0],
                "mean_power_kw": [5.0, 3.5, 2.25, 3.3],
                "station_power_kw": [7.4, 22.0, 150.0, None],
            }
        )
        for number in numbers
    )


def test_a_profile_has_medians_and_an_hour_on_the_circle_of_the_day() -> None:
    (profile,) = profile_clusters(sessions_of_clusters([3]), {3: "night"}).rows(named=True)
    assert (profile["kmeans_cluster"], profile["cluster_name"]) == (3, "night")
    assert (profile["n_sessions"], profile["share"]) == (4, 1.0)
    assert min(profile["start_hour"], 24 - profile["start_hour"]) == pytest.approx(0, abs=1e-9)
    assert profile["median_duration_h"] == 3.0
    assert profile["median_energy_kwh"] == 8.0


def test_shares_are_by_hour_weekday_and_kind_of_station() -> None:
    (profile,) = profile_clusters(sessions_of_clusters([0]), {0: "night"}).rows(named=True)
    assert {hour: share for hour, share in enumerate(profile["hour_shares"]) if share} == {
        0: 0.25,
        1: 0.25,
        23: 0.5,
    }
    assert profile["weekday_shares"] == [0.25, 0, 0, 0, 0, 0, 0.75]
    assert dict(zip(STATION_KINDS, profile["station_shares"], strict=True)) == {
        "to 7.4 kW": 0.25,
        "to 22 kW": 0.25,
        "to 60 kW": 0,
        "over 60 kW": 0.25,
        "unknown": 0.25,
    }


def test_clusters_come_in_the_order_of_their_numbers_with_their_shares() -> None:
    sessions = pl.concat([sessions_of_clusters([2]), sessions_of_clusters([0, 0])])
    profiles = profile_clusters(sessions, {0: "a", 2: "b"})
    assert profiles["kmeans_cluster"].to_list() == [0, 2]
    assert profiles["share"].to_list() == pytest.approx([2 / 3, 1 / 3])
