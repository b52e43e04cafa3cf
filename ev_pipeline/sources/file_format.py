"""How a source writes its files: the `[file]` section of a mapping.

What lives here: the section's keys. What does not: reading files (`files`, `reader`).
"""

import codecs
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from ev_pipeline.sources.numbers import NumberStyle
from ev_pipeline.sources.written import (
    STRICT,
    DecimalSign,
    NonEmpty,
    Texts,
    Thousands,
    WrittenNumber,
    one_or_more,
)

Format = Literal["csv", "json", "jsonl"]

Standard = Literal["ocpi_cdr"]
"""Forms of records that need more than paths; see `json_records` for what reads them."""


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(
            f"encoding {name!r} is unknown; write one like utf-8, utf-16, windows-1252"
        ) from None
    return name


class FileFormat(BaseModel):
    """`[file]`: how the file is written.

    Args:
        format: csv, json (a list, perhaps inside an object) or jsonl (one object a line);
            several if the source uses several.
        delimiter: what separates a row's values.
        quote: what surrounds a value that holds a delimiter; empty for none.
        encoding: of the text; a byte order mark is always taken off.
        decimal: the decimal sign of numbers written as text.
        thousands: what stands between groups of three digits; empty for nothing.
        skip_lines: how many lines of a CSV file stand above the names of the columns.
        skip_lines_starting: how lines of a CSV file begin that are no records, such as totals.
        list_at: path of the list inside a JSON document; the document itself if absent.
        optional_columns: columns that a file may lack; any other that is named must be there.
        report_unknown_keys: whether a JSON record with keys that the mapping does not name gets
            the note `unknown_keys`.
        guarded: whether texts of a CSV file lose the apostrophe that guards them from being taken
            for a formula by a spreadsheet.
        standard: the standard that JSON records follow, where paths alone cannot read it.
    """

    model_config = STRICT

    format: Annotated[
        tuple[Format, ...], BeforeValidator(one_or_more), Field(strict=False, min_length=1)
    ] = ("csv",)
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] = ","
    quote: Annotated[str, Field(pattern=r"^[!-~]?$")] = '"'
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    decimal: DecimalSign = "."
    thousands: Thousands = ""
    skip_lines: Annotated[int, Field(ge=0)] = 0
    skip_lines_starting: Annotated[
        tuple[NonEmpty, ...], BeforeValidator(one_or_more), Field(strict=False)
    ] = ()
    list_at: str | None = None
    optional_columns: Texts = ()
    report_unknown_keys: bool = False
    guarded: bool = False
    standard: Standard | None = None

    @model_validator(mode="after")
    def _tells_the_signs_apart(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        return self

    def style_of(self, source: WrittenNumber | None = None) -> NumberStyle:
        """How the numbers of a source are written, or those of the file where it says nothing."""
        if source is None:
            return NumberStyle(self.decimal, self.thousands)
        thousands = source.thousands
        if thousands is None:
            thousands = self.thousands if source.decimal is None else ""
        return NumberStyle(source.decimal or self.decimal, thousands, source.beside)
