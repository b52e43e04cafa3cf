"""CSV and Parquet files: the same rows, whatever stands in them."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ev_pipeline.domain.spreadsheets import without_guards
from ev_pipeline.exports.tables import Table, write_table

AT = datetime(2018, 3, 2, 23, 50, tzinfo=UTC)
SCHEMA = {
    "user_id": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "cost": pl.Float64(),
    "quality_codes": pl.List(pl.String()),
}


def frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), SCHEMA, orient="row")


def written(*frames: pl.DataFrame, table: Table = Table.CSV) -> bytes:
    file = BytesIO()
    assert write_table(iter(frames), file, table) == sum(one.height for one in frames)
    return file.getvalue()


def test_csv_has_times_in_utc_and_lists_in_one_cell() -> None:
    rows = frame(("U", AT, 4.2, ["a", "b"]), (None, AT.replace(microsecond=5), None, []))
    assert written(rows, frame(("V", AT, -1.0, ["c"]))).decode().splitlines() == [
        "user_id,started_at,cost,quality_codes",
        "U,2018-03-02T23:50:00Z,4.2,a;b",
        ',2018-03-02T23:50:00.000005Z,,""',
        "V,2018-03-02T23:50:00Z,-1.0,c",
    ]


def test_parquet_keeps_every_type_over_several_frames() -> None:
    first, second = frame(("=U", AT, 4.2, ["a", "b"])), frame((None, AT, None, []))
    read = pl.read_parquet(BytesIO(written(first, second, table=Table.PARQUET)))
    assert read.equals(pl.concat([first, second]))
    assert dict(read.schema) == SCHEMA


def test_without_rows_the_columns_are_there() -> None:
    assert written(frame()) == b"user_id,started_at,cost,quality_codes\n"
    assert dict(pl.read_parquet(BytesIO(written(frame(), table=Table.PARQUET))).schema) == SCHEMA


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_no_text_in_csv_is_a_formula_and_each_comes_back(texts: list[str]) -> None:
    file = written(frame(*((text, AT, 1.0, []) for text in texts)))
    cells = [line["user_id"] for line in csv.DictReader(StringIO(file.decode(), newline=""))]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    bare = without_guards(pl.DataFrame({"user_id": cells}, schema={"user_id": pl.String()}))
    assert bare["user_id"].to_list() == texts
