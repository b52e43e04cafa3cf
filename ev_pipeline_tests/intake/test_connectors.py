"""Connectors keep their number from batch to batch."""

import polars as pl

from ev_pipeline.intake.connectors import Connectors


def numbers(connectors: Connectors, *named: tuple[str, str | None]) -> list[int | None]:
    stations, places = zip(*named, strict=True)
    series = connectors.numbers(pl.Series(stations), pl.Series(places, dtype=pl.String))
    return series.to_list()


def test_a_connector_keeps_its_number_and_rows_their_order() -> None:
    connectors = Connectors()
    assert numbers(connectors, ("A", "2"), ("A", "1"), ("A", "2")) == [0, 1, 0]
    assert numbers(connectors, ("B", "1"), ("A", "1")) == [2, 1]


def test_a_row_without_a_connector_has_no_number() -> None:
    assert numbers(Connectors(), ("A", None), ("A", "1")) == [None, 0]


def test_names_of_station_and_connector_are_not_run_together() -> None:
    assert numbers(Connectors(), ("A", "11"), ("A1", "1")) == [0, 1]
