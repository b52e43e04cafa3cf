"""Names: what sets a cluster apart, no two alike, and the same as long as the cluster goes on."""

from dataclasses import replace

from ev_pipeline.domain.models.clusters import Cluster
from ev_pipeline.domain.models.naming import name_clusters

NIGHT = Cluster(
    number=0,
    share=0.5,
    start_hour=19.2,
    duration_h=11.0,
    energy_kwh=21.0,
    mean_power_kw=2.5,
    band="evening",
    band_share=0.7,
    overnight_share=0.9,
    energy_z=0.4,
    power_z=-0.9,
)
STOP = replace(
    NIGHT,
    number=1,
    start_hour=13.6,
    duration_h=0.5,
    band="afternoon",
    band_share=0.4,
    overnight_share=0.01,
    energy_z=0.6,
    power_z=2.1,
)


def test_a_name_says_the_period_the_stay_and_the_strongest_descriptor() -> None:
    assert name_clusters([NIGHT, STOP], {}) == [
        "evening, overnight, low power",
        "short, high power",
    ]


def test_a_period_with_less_than_60_percent_and_a_weak_descriptor_are_not_said() -> None:
    plain = replace(NIGHT, band_share=0.59, power_z=-0.49, energy_z=0.0)
    assert name_clusters([plain], {}) == ["overnight"]


def test_stays_are_short_hours_long_or_overnight() -> None:
    bare = replace(STOP, band_share=0.0, power_z=0.0, energy_z=0.0)
    stays = [
        replace(bare, number=number, duration_h=duration_h, overnight_share=overnight)
        for number, (duration_h, overnight) in enumerate([(1, 0), (3, 0), (8, 0), (8, 0.6)])
    ]
    assert name_clusters(stays, {}) == ["short", "hours", "long", "overnight"]


def test_names_that_would_be_alike_say_more_until_they_are_not() -> None:
    later = replace(STOP, number=2, start_hour=17.9)
    assert name_clusters([STOP, later], {}) == [
        "short, high power, high energy, about 14:00",
        "short, high power, high energy, about 18:00",
    ]


def test_clusters_alike_in_all_have_their_number_in_the_name() -> None:
    names = name_clusters([STOP, replace(STOP, number=2)], {})
    assert len(set(names)) == 2
    assert [name.rpartition(", ")[2] for name in names] == ["no. 1", "no. 2"]


def test_a_kept_name_stays_and_no_new_cluster_takes_it() -> None:
    again = replace(STOP, number=2, start_hour=17.9)
    names = name_clusters([STOP, again], {1: "short, high power"})
    assert names[0] == "short, high power"
    assert names[1] == "short, high power, high energy"
