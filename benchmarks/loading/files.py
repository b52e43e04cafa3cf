"""The files that are loaded: generated sessions, and real ones where they are at hand.

What lives here: writing them. What does not: loading them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ev_pipeline.sources.mapping import Mapping, load_mapping
from ev_pipeline_tests.real_data import real_data_folder
from simulator.files import write_sessions
from simulator.generate import SEED, SESSIONS_PER_STATION, SESSIONS_PER_USER, Size, make_sample

_DUNDEE: Final = ("cpdata.csv", "cp-data-dec-mar-2018.csv", "cp-data-mar-may-2018.csv")


@dataclass(frozen=True)
class Files:
    """Two files of one source, the second of later sessions."""

    mapping: Mapping
    fill: Path
    top_up: Path


def make_files(rows: int, folder: Path) -> Iterator[Files]:
    """Two files of so many rows for each set."""
    wanted = max(rows, 100) * 2
    size = Size(
        wanted, 500, max(5, rows // SESSIONS_PER_USER), max(4, rows // SESSIONS_PER_STATION)
    )
    sample = make_sample(size, SEED).sessions.sort("updated_s", nulls_last=True)
    fill, top_up = folder / "fill.csv", folder / "top_up.csv"
    write_sessions(sample[:rows], fill)
    write_sessions(sample[rows : 2 * rows], top_up)
    yield Files(load_mapping("canonical"), fill, top_up)
    real = [real_data_folder() / "dundee" / name for name in _DUNDEE]
    if all(path.is_file() for path in real):
        _write_dundee(real, rows, fill, top_up)
        yield Files(load_mapping("dundee"), fill, top_up)


def _write_dundee(real: list[Path], rows: int, fill: Path, top_up: Path) -> None:
    """Real rows, as often as needed, each copy at stations of its own."""
    every = pl.concat([pl.read_csv(path, infer_schema=False) for path in real]).sort(
        pl.col("Start Date").str.to_date("%d/%m/%Y", strict=False), maintain_order=True
    )
    copies = -(-2 * rows // len(every))
    halves = every[: len(every) // 2], every[len(every) // 2 :]
    for half, path in zip(halves, (fill, top_up), strict=True):
        copied = [
            half.with_columns(
                (pl.col("Charging event", "CP ID") + f"-{copy}"),
            )
            for copy in range(copies)
        ]
        pl.concat(copied).head(rows).write_csv(path)
