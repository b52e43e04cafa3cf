"""SOURCE:PATH pairs, as people and the environment write them."""

from pathlib import Path

import pytest

from ev_pipeline.assets.bootstrap import NamedFile, parse_bootstrap
from ev_pipeline.domain.errors import PipelineError

HERE = Path("/srv/ev")


def test_pairs_are_read_in_order_and_relative_paths_start_from_the_caller() -> None:
    assert parse_bootstrap("dundee:a.csv  perth_kinross:/data/b.csv\n", relative_to=HERE) == [
        NamedFile("dundee", Path("/srv/ev/a.csv")),
        NamedFile("perth_kinross", Path("/data/b.csv")),
    ]


def test_a_path_may_hold_colons_and_in_quotes_spaces() -> None:
    assert parse_bootstrap("'dundee:2018-01-01 12:30.csv'", relative_to=HERE) == [
        NamedFile("dundee", Path("/srv/ev/2018-01-01 12:30.csv"))
    ]


def test_a_mapping_file_of_ones_own_is_found_from_the_caller_too() -> None:
    assert parse_bootstrap("maps/mine.toml:a.csv", relative_to=HERE) == [
        NamedFile("/srv/ev/maps/mine.toml", Path("/srv/ev/a.csv"))
    ]


def test_nothing_named_is_no_file() -> None:
    assert parse_bootstrap("", relative_to=HERE) == []


@pytest.mark.parametrize("pairs", ["a.csv", "dundee:", ":a.csv", "'dundee:a.csv"])
def test_what_is_no_pair_is_refused_with_the_way_to_write_it(pairs: str) -> None:
    with pytest.raises(PipelineError, match="SOURCE:PATH pairs separated by spaces"):
        parse_bootstrap(pairs, relative_to=HERE)
