from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.localtime import (
    MAX_CONTENDERS,
    choose_readings,
    readings,
    station_clock,
)
from ev_pipeline_tests.domain.canonical import FAULTLESS, UNHURRIED, sessions

CLOCKS_GO_BACK = {
    "Europe/London": (datetime(2017, 10, 29), timedelta(hours=1)),  # noqa: DTZ001 - a local day
    "America/New_York": (datetime(2018, 11, 4), timedelta(hours=1)),  # noqa: DTZ001 - a local day
    "Australia/Lord_Howe": (datetime(2018, 4, 1), timedelta(minutes=30)),  # noqa: DTZ001 - a local day
}
"""The day on which local times from about 01:30 on exist twice, and by how much clocks go back."""

ZONES = sorted(CLOCKS_GO_BACK)


def local(zone: str, clock: str, fold: int = 0) -> datetime:
    """The moment of a clock time on the zone's day, early (0) or late (1)."""
    hours, minutes = map(int, clock.split(":"))
    at = CLOCKS_GO_BACK[zone][0].replace(hour=hours, minute=minutes, fold=fold)
    return at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def written(zone: str, start: str, end: str | None, **change: Any) -> dict[str, Any]:
    """A session as the decoder leaves it: the earlier readings, and the later ones."""
    change = {"source_session_id": None, "ended_at": None} | change
    for field, clock in (("started", start), ("ended", end)):
        if clock is not None:
            early, late = local(zone, clock), local(zone, clock, fold=1)
            change |= {f"{field}_at": early, f"{field}_later_at": late if late > early else None}
    return change


def nobody() -> pl.DataFrame:
    return sessions({}).clear().with_columns(session_id=pl.lit(None, pl.String))


def chosen(
    *records: dict[str, Any],
    neighbours: pl.DataFrame | None = None,
    stored: pl.DataFrame | None = None,
    resolution_s: float = 60,
) -> list[tuple[datetime, datetime]]:
    """Start and end that each record is given."""
    picked = choose_readings(
        readings(sessions(*records), scope="s", key_has_end=False),
        neighbours=nobody() if neighbours is None else neighbours,
        stored=nobody() if stored is None else stored,
        resolution_s=resolution_s,
    )
    assert picked["line"].to_list() == list(range(2, len(records) + 2))
    return list(picked.select("started_at", "ended_at").iter_rows())


def as_stored(*spans: tuple[datetime, datetime], **change: Any) -> pl.DataFrame:
    """Sessions whose times are certain, with their ids."""
    changes = [
        {"source_session_id": None, "started_at": start, "ended_at": end} | change
        for start, end in spans
    ]
    return readings(sessions(*changes), scope="s", key_has_end=False)


@pytest.mark.parametrize("zone", ZONES)
def test_a_session_that_fits_both_ways_is_read_early(zone: str) -> None:
    [span] = chosen(written(zone, "01:35", "01:50"))
    assert span == (local(zone, "01:35"), local(zone, "01:50"))


@pytest.mark.parametrize("zone", ZONES)
def test_an_end_before_its_start_on_the_clock_is_read_late(zone: str) -> None:
    [span] = chosen(written(zone, "01:50", "01:35"))
    assert span == (local(zone, "01:50"), local(zone, "01:35", fold=1))
    assert span[1] - span[0] == CLOCKS_GO_BACK[zone][1] - timedelta(minutes=15)


@pytest.mark.parametrize("zone", ZONES)
def test_a_reading_that_overlaps_a_neighbour_yields_to_one_that_does_not(zone: str) -> None:
    busy = as_stored((local(zone, "01:31"), local(zone, "01:44")))
    [span] = chosen(written(zone, "01:35", "01:45"), neighbours=busy)
    assert span == (local(zone, "01:35", fold=1), local(zone, "01:45", fold=1))


def test_a_neighbour_on_another_or_an_unknown_connector_does_not_count() -> None:
    zone = "Europe/London"
    early = (local(zone, "01:05"), local(zone, "01:20"))
    elsewhere = as_stored(early, connector_id="2")
    unknown = as_stored(early, connector_id=None)
    for neighbours in (elsewhere, unknown):
        assert chosen(written(zone, "01:05", "01:20"), neighbours=neighbours) == [early]
    assert chosen(written(zone, "01:05", "01:20", connector_id=None), neighbours=unknown) == [early]


def test_sessions_whose_connector_is_unknown_do_not_compete() -> None:
    zone = "Europe/London"
    clocks = [("01:05", "01:20"), ("01:06", "01:19")]
    twice = [written(zone, start, end, connector_id=None) for start, end in clocks]
    assert chosen(*twice) == [(local(zone, start), local(zone, end)) for start, end in clocks]


def test_touching_a_neighbour_by_the_resolution_is_no_overlap() -> None:
    zone = "Europe/London"
    busy = as_stored((local(zone, "00:30"), local(zone, "01:06")))
    early = (local(zone, "01:05"), local(zone, "01:20"))
    late = (local(zone, "01:05", fold=1), local(zone, "01:20", fold=1))
    record = written(zone, "01:05", "01:20")
    assert chosen(record, neighbours=busy, resolution_s=60) == [early]
    assert chosen(record, neighbours=busy, resolution_s=59) == [late]


def test_a_session_that_overlaps_either_way_still_ends_after_its_start() -> None:
    zone = "Europe/London"
    busy = as_stored((local(zone, "00:00"), local(zone, "05:00")))
    [span] = chosen(written(zone, "01:50", "01:10"), neighbours=busy)
    assert span == (local(zone, "01:50"), local(zone, "01:10", fold=1))


def test_a_session_that_never_ends_after_its_start_is_read_early() -> None:
    zone = "Europe/London"
    assert chosen(written(zone, "01:50", "00:10")) == [(local(zone, "01:50"), local(zone, "00:10"))]


def test_a_derived_end_stays_with_its_start() -> None:
    zone = "Europe/London"
    busy = as_stored((local(zone, "01:00"), local(zone, "01:30")))
    record = written(zone, "01:20", "01:40", notes=["end_derived", "time_ambiguous"])
    options = readings(sessions(record), scope="s", key_has_end=False)
    assert options.height == 2
    [span] = chosen(record, neighbours=busy)
    assert span[1] - span[0] == timedelta(minutes=20)

    told = sessions(record | {"notes": ["time_ambiguous"]})
    tied = readings(told, scope="s", key_has_end=False, has_tied_times=True)
    assert tied["started_at"].to_list() == options["started_at"].to_list()
    assert tied["ended_at"].to_list() == options["ended_at"].to_list()


def test_an_unfinished_session_has_its_start_read_early() -> None:
    zone = "Europe/London"
    [(start, _)] = chosen(written(zone, "01:20", None))
    assert start == local(zone, "01:20")


def test_a_busy_connectors_night_is_read_so_that_no_sessions_overlap() -> None:
    """A real night: of each clock time, both passes of the hour had sessions."""
    zone = "Europe/London"
    night = [("00:54", "01:20"), ("01:29", "01:54"), ("01:55", "01:20"), ("01:21", "01:40")]
    spans = chosen(*(written(zone, *clocks) for clocks in [*night, ("01:44", "02:00")]))
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))
    assert sorted(spans) == spans


@pytest.mark.parametrize("own_id", ["S1", None])
def test_a_session_that_is_stored_is_read_as_it_was(own_id: str | None) -> None:
    zone = "Europe/London"
    late = (local(zone, "01:05", fold=1), local(zone, "01:20", fold=1))
    stored = as_stored(late, source_session_id=own_id)
    record = written(zone, "01:05", "01:20", source_session_id=own_id)
    assert chosen(record, neighbours=stored, stored=stored) == [late]


def test_a_corrected_end_keeps_the_reading_whose_id_is_stored() -> None:
    zone = "Europe/London"
    late = (local(zone, "01:05", fold=1), local(zone, "01:20", fold=1))
    stored = as_stored(late)
    [span] = chosen(written(zone, "01:05", "01:25"), neighbours=stored, stored=stored)
    assert span == (late[0], local(zone, "01:25", fold=1))


def test_more_sessions_than_an_hour_can_hold_are_read_early() -> None:
    zone = "Europe/London"
    crowd = [written(zone, "01:05", "01:20") for _ in range(MAX_CONTENDERS + 1)]
    assert set(chosen(*crowd)) == {(local(zone, "01:05"), local(zone, "01:20"))}


CLOCK = st.integers(0, 179).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")


@UNHURRIED
@given(
    clocks=st.lists(st.tuples(CLOCK, CLOCK), min_size=1, max_size=6, unique=True),
    zone=st.sampled_from(ZONES),
    data=st.data(),
)
def test_readings_do_not_depend_on_the_order_of_the_records(
    clocks: list[tuple[str, str]], zone: str, data: st.DataObject
) -> None:
    records = [written(zone, start, end) for start, end in clocks]
    order = data.draw(st.permutations(range(len(records))))
    spans = chosen(*records)
    assert chosen(*(records[i] for i in order)) == [spans[i] for i in order]
    for (start, end), (start_clock, end_clock) in zip(spans, clocks, strict=True):
        assert start in {local(zone, start_clock, fold) for fold in (0, 1)}
        assert end in {local(zone, end_clock, fold) for fold in (0, 1)}
        assert end > start or local(zone, end_clock, fold=1) <= local(zone, start_clock)


@UNHURRIED
@given(
    clocks=st.lists(st.tuples(CLOCK, CLOCK), min_size=1, max_size=5, unique=True),
    zone=st.sampled_from(ZONES),
)
def test_what_was_chosen_and_stored_is_chosen_again(
    clocks: list[tuple[str, str]], zone: str
) -> None:
    records = [
        written(zone, start, end, source_session_id=f"S{i}")
        for i, (start, end) in enumerate(clocks)
    ]
    spans = chosen(*records)
    stored = pl.concat(as_stored(span, source_session_id=f"S{i}") for i, span in enumerate(spans))
    assert chosen(*records, neighbours=stored, stored=stored) == spans


@UNHURRIED
@given(
    moment=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - zones follow
    zones=st.lists(st.none() | st.sampled_from([*ZONES, "UTC"]), min_size=1, max_size=4),
)
def test_a_stations_clock_shows_the_time_of_its_zone(
    moment: datetime, zones: list[str | None]
) -> None:
    at = moment.replace(tzinfo=UTC)
    shown = station_clock(
        pl.Series("started_at", [at] * len(zones)), pl.Series("zone", zones, dtype=pl.String)
    )
    expected = [zone and at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in zones]
    assert shown.to_list() == expected
    assert shown.name == "started_at"


def test_a_cell_without_moment_or_zone_has_no_clock() -> None:
    nothing = pl.Series("started_at", [FAULTLESS["started_at"], None])
    assert station_clock(nothing, pl.Series("zone", [None, "UTC"])).to_list() == [None, None]
