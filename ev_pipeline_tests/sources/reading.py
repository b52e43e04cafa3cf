"""Reading small files in tests: from TOML and bytes to the frame."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline.sources.reader import RecordBatch, read_batches

RECEIVED_AT: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)

PLAIN: Final = """
name = "plain"
title = "A plain source"
records = "session"
zone = "Europe/London"

[fields]
station_id = "station"
started_at = { column = "start", format = ["iso", "dd/mm/yyyy HH:MM"] }
ended_at = { column = "end", format = ["iso", "dd/mm/yyyy HH:MM"] }
energy_kwh = "kwh"
"""

PLAIN_HEADER: Final = b"station,start,end,kwh\n"
PLAIN_ROW: Final = b"CP-1,2026-05-04T08:12:00Z,2026-05-04T10:02:00Z,12.4\n"
PLAIN_FILE: Final = PLAIN_HEADER + PLAIN_ROW * 3


def plain_mapping(*more: str) -> Mapping:
    """The plain mapping, with sections added."""
    return parse_mapping("\n".join([PLAIN, *more]), where="plain.toml")


def batches(
    folder: Path, content: bytes, mapping: Mapping | None = None, *, batch_bytes: int = 1 << 20
) -> list[RecordBatch]:
    """The batches of a file with that content."""
    path = folder / "file"
    path.write_bytes(content)
    read = read_batches(
        path, mapping or plain_mapping(), received_at=RECEIVED_AT, batch_bytes=batch_bytes
    )
    return list(read)


def frame(folder: Path, content: bytes, mapping: Mapping | None = None) -> pl.DataFrame:
    """All records of a file with that content."""
    return pl.concat(batch.frame for batch in batches(folder, content, mapping))


def codes(row: dict[str, Any]) -> list[str]:
    """The codes of a row's problems."""
    return [problem["code"] for problem in row["problems"]]


def refusal(folder: Path, content: bytes, *more: str, mapping: Mapping | None = None) -> str:
    """What is said of a file that cannot be read by the mapping, or by the plain one with more."""
    with pytest.raises(PipelineError) as refused:
        frame(folder, content, mapping or plain_mapping(*more))
    return str(refused.value)
