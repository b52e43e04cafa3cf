"""The canonical frame of raw records, those among them that were not understood included.

What lives here: what a frame says of a record without values, or with keys that nobody names.
What does not: which text becomes which field (`decode`), where records come from (`reader`).
"""

from datetime import datetime

import polars as pl

from ev_pipeline.domain.rules import shortened
from ev_pipeline.sources.csv_records import RawRecords
from ev_pipeline.sources.decode import to_canonical
from ev_pipeline.sources.findings import PROBLEM
from ev_pipeline.sources.mapping import Mapping


def canonical_frame(
    records: RawRecords, mapping: Mapping, received_at: datetime | pl.Series, lines: pl.Series
) -> pl.DataFrame:
    """The canonical frame of raw records; one that was not understood has nothing but a problem.

    Args:
        records: the records as texts.
        mapping: how the source writes its records.
        received_at: when they came, or when each did.
        lines: Int64; where each stands in its file or message, counted from 1.
    """
    frame = to_canonical(records.texts, mapping, received_at=received_at)
    if records.unknown_keys:
        noted = pl.int_range(pl.len()).is_in(sorted(records.unknown_keys))
        frame = frame.with_columns(
            pl.when(noted)
            .then(pl.col("notes").list.concat(pl.lit(["unknown_keys"])))
            .otherwise("notes")
        )
    if records.malformed:
        frame = _without(frame, records.malformed)
    return frame.hstack([lines.alias("line")])


def _without(frame: pl.DataFrame, malformed: dict[int, str]) -> pl.DataFrame:
    """The frame with the malformed rows emptied but for their one problem."""
    rows = pl.DataFrame(
        {"row": list(malformed), "value": list(malformed.values())},
        schema={"row": pl.Int64, "value": pl.String},
    )
    problem = pl.struct(
        pl.lit("malformed").alias("code"),
        pl.lit(None, pl.String).alias("field"),
        shortened(pl.col("value")).alias("value"),
    )
    rows = rows.select("row", pl.concat_list(problem).cast(pl.List(PROBLEM)).alias("fault"))
    marked = frame.with_columns(pl.int_range(pl.len()).alias("row")).join(
        rows, on="row", how="left", maintain_order="left"
    )
    is_sound = pl.col("fault").is_null()
    emptied = [
        pl.when(is_sound).then(name).alias(name)
        for name in frame.columns
        if name not in ("problems", "notes")
    ]
    no_notes = pl.lit(pl.Series([[]], dtype=pl.List(pl.String)))
    return marked.select(
        *emptied,
        pl.coalesce("fault", "problems").alias("problems"),
        pl.when(is_sound).then("notes").otherwise(no_notes).alias("notes"),
    ).select(frame.columns)
