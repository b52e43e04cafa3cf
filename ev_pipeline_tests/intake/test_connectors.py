"""Connectors keep their number from batch to batch."""

import polars as pl

from ev_pipeline.intake.connectors import Connectors


def places(*named: tuple[str, str | None]) -> pl.DataFrame:
    schema = {"station_id": pl.String, "connector_id": pl.String}
    return pl.DataFrame(list(named), schema=schema, orient="row")


def test_a_connector_keeps_its_number_and_rows_their_order() -> None:
    connectors = Connectors()
    first = connectors.numbered(places(("A", "2"), ("A", "1"), ("A", "2")))
    second = connectors.numbered(places(("B", "1"), ("A", "1")))
    assert first["connector_number"].to_list() == [0, 1, 0]
    assert second["connector_number"].to_list() == [2, 1]


def test_a_row_without_a_connector_has_no_number() -> None:
    numbered = Connectors().numbered(places(("A", None), ("A", "1")))
    assert numbered["connector_number"].to_list() == [None, 0]


def test_names_of_station_and_connector_are_not_run_together() -> None:
    numbered = Connectors().numbered(places(("A", "11"), ("A1", "1")))
    assert numbered["connector_number"].to_list() == [0, 1]
