"""What a decoder finds in a batch: values that could not be read, and notes for the record.

What lives here: collecting findings field by field, and giving them out record by record.
What does not: deciding what is a finding (`decode`).
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

from ev_pipeline.domain.rules import shortened

PROBLEM: Final = pl.Struct({"code": pl.String, "field": pl.String, "value": pl.String})
"""One thing that could not be read."""


class Findings:
    """The findings of one batch.

    Args:
        height: how many records it has.
    """

    def __init__(self, height: int) -> None:
        self._height = height
        self._refused: dict[str, pl.DataFrame] = {}
        self._notes: dict[str, pl.Series] = {}

    def refuse(self, field: str, texts: pl.Series, values: pl.Series) -> None:
        """Find `bad_value` where there is a text of which no value was read.

        Args:
            field: the field.
            texts: what stood there.
            values: what was read; null where the text is.
        """
        if values.null_count() == texts.null_count():
            return
        rows = (texts.is_not_null() & values.is_null()).arg_true()
        self._refused[field] = pl.DataFrame({"row": rows, "value": texts.gather(rows)})

    def note(self, code: str, mask: pl.Series) -> None:
        """Note a code on the records where the mask holds."""
        if code in self._notes:
            mask = mask | self._notes[code]
        self._notes[code] = mask.fill_null(value=False)

    def has_noted(self, code: str) -> bool:
        """Whether any record has the note."""
        return code in self._notes

    def problems(self, order: Iterable[str]) -> pl.Series:
        """Each record's problems, in the order of the fields."""
        parts = [
            self._refused[field].select(
                "row",
                pl.struct(
                    pl.lit("bad_value").alias("code"),
                    pl.lit(field).alias("field"),
                    shortened(pl.col("value")).alias("value"),
                ).alias("problems"),
            )
            for field in order
            if field in self._refused
        ]
        none = pl.Series("problems", [[]], dtype=pl.List(PROBLEM))
        if not parts:
            return none.new_from_index(0, self._height)
        found = pl.concat(parts).group_by("row", maintain_order=True).agg("problems")
        rows = pl.DataFrame({"row": pl.arange(self._height, dtype=pl.UInt32, eager=True)})
        lists = rows.join(found, on="row", how="left", maintain_order="left")
        return lists.select(pl.col("problems").fill_null(pl.lit(none))).to_series()

    def notes(self) -> pl.Series:
        """Each record's notes."""
        if not self._notes:
            return pl.Series("notes", [[]], dtype=pl.List(pl.String)).new_from_index(
                0, self._height
            )
        lists: list[list[str]] = [[]]
        index = pl.Series("notes", [0], dtype=pl.UInt32).new_from_index(0, self._height)
        for code, mask in self._notes.items():
            index = index + mask.cast(pl.UInt32) * len(lists)
            lists += [[*others, code] for others in lists]
        return pl.Series("notes", lists, dtype=pl.List(pl.String)).gather(index)
