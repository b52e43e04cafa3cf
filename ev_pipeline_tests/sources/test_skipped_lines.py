"""Lines of a CSV file that are no records: never read as one, always counted as lines."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.reader import read_batches
from ev_pipeline.sources.skipping import SkippedLines
from ev_pipeline_tests.sources.reading import (
    PLAIN_FILE,
    PLAIN_HEADER,
    PLAIN_ROW,
    RECEIVED_AT,
    batches,
    frame,
    plain_mapping,
    refusal,
)

TITLES = plain_mapping("[file]", "skip_lines = 2", 'skip_lines_starting = ["Total,", "#"]')


def test_records_keep_the_numbers_of_their_lines_below_a_title(tmp_path: Path) -> None:
    read = frame(tmp_path, b"Report\r\n\r\n" + PLAIN_FILE, TITLES)
    assert read["line"].to_list() == [4, 5, 6]


def test_a_wrong_header_below_a_title_is_named_with_its_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, b"Report\n\n# remark\nstation;start;end;kwh\n", mapping=TITLES)
    assert "file, line 4: there is no column 'station'" in told


def test_a_file_that_ends_above_its_header_is_refused_with_the_key_to_mend(tmp_path: Path) -> None:
    told = refusal(tmp_path, b"Report\n", mapping=TITLES)
    assert "no line 3 is in its beginning" in told
    assert "skip_lines" in told


@pytest.mark.parametrize("total", [b"Total,,,37.2", b'"Total",,,37.2', b'"Total,",,,37.2'])
def test_totals_are_no_records_quoted_or_not(tmp_path: Path, total: bytes) -> None:
    texts = 'skip_lines_starting = ["Total,", "Total\\""]'
    read = frame(tmp_path, PLAIN_FILE + total + b"\n", plain_mapping("[file]", texts))
    assert read["line"].to_list() == [2, 3, 4]


def test_a_record_that_only_begins_like_totals_is_kept(tmp_path: Path) -> None:
    record = PLAIN_ROW.replace(b"CP-1", b"Totalfuel 1")
    assert frame(tmp_path, b"a\nb\n" + PLAIN_HEADER + record, TITLES).height == 1


@given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    marked=st.lists(st.sampled_from([b"", b"# remark", b'"#", "x"', b"Total,,,1"]), max_size=30),
    batch_bytes=st.integers(1, 400),
)
def test_skipped_lines_change_nothing_for_the_records_between_them(
    tmp_path: Path, marked: list[bytes], batch_bytes: int
) -> None:
    rows = [PLAIN_ROW.replace(b"CP-1", f"CP-{number}".encode()) for number in range(len(marked))]
    mixed = b"".join(mark + b"\n" + row for mark, row in zip(marked, rows, strict=True))
    plain = b"".join(b"\n" + row for row in rows)
    start = b"Report\n\n" + PLAIN_HEADER + PLAIN_ROW
    found, wanted = (
        batches(tmp_path, start + rest, TITLES, batch_bytes=batch_bytes) for rest in (mixed, plain)
    )
    read, expected = (
        [
            (batch.raw(number), row)
            for batch in each
            for number, row in enumerate(batch.frame.to_dicts())
        ]
        for each in (found, wanted)
    )
    assert read == expected


def test_a_block_with_totals_is_read_like_one_without(tmp_path: Path) -> None:
    one = frame(tmp_path, b"a\nb\n" + PLAIN_FILE + b"# x\n" + PLAIN_ROW, TITLES)
    other = frame(tmp_path, b"a\nb\n" + PLAIN_FILE + b"\n" + PLAIN_ROW, TITLES)
    assert_frame_equal(one, other)


def test_what_was_skipped_is_counted_apart_from_the_records(
    tmp_path: Path, engine: sa.Engine, settings: Settings
) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes(b"Report\n\n" + PLAIN_FILE + b"# remark\nTotal,,,37.2\n")
    result = load_file(engine, settings, TITLES, path)
    assert result.tally.counts.received == 3
    assert result.skipped == SkippedLines(above=2, declared=2)
    assert result.skipped.in_words() == (
        "2 above the header and 2 that begin as skip_lines_starting says"
    )


def test_totals_below_the_last_batch_are_counted_too(tmp_path: Path) -> None:
    path, skipped = tmp_path / "report.csv", SkippedLines()
    path.write_bytes(b"Report\n\n" + PLAIN_FILE + b"Total,,,37.2\n" * 2)
    n_records = sum(
        batch.frame.height
        for batch in read_batches(
            path, TITLES, received_at=RECEIVED_AT, batch_bytes=10, skipped=skipped
        )
    )
    assert (n_records, skipped) == (3, SkippedLines(above=2, declared=2))
