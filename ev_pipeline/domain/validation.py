"""What is wrong with records: every reason of every row at once, and how each is said.

What lives here: running the rules over a whole frame, and the order in which codes are listed.
What does not: the rules (`rules`) and the codes (`codes`); `overlaps_same_connector` and
`conflicts_with_stored`, which storage decides; `clock_suspect`, which the stream decides.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import numpy as np
import polars as pl

from ev_pipeline.domain.codes import CODES, Severity, code_names
from ev_pipeline.domain.rules import (
    Circumstances,
    Rule,
    missing_fields,
    session_errors,
    session_notes,
    session_quantities,
    session_warnings,
    station_errors,
    unreadable_mark,
    unreadable_values,
)
from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec
from ev_pipeline.settings import Limits

REASON: Final = pl.Struct({"code": pl.String, "field": pl.String, "value": pl.String})
"""One reason why a record is quarantined; field and value are null where there are none."""

_FOUND_SCHEMA: Final = {"row": pl.UInt32, **REASON.to_schema()}
_RANK_BY_CODE: Final = {code.name: rank for rank, code in enumerate(CODES)}
_CODE_BY_NAME: Final = {code.name: code for code in CODES}


def validate(
    frame: pl.DataFrame,
    *,
    stations: pl.DataFrame,
    limits: Limits,
    received_at: datetime | pl.Series,
    resolution_s: float,
) -> pl.DataFrame:
    """Every record of the frame has all its reasons, warnings and notes.

    Args:
        frame: canonical sessions as the decoder leaves them; with a column `started_local_at`
            (the start on the station's own clock, naive) the weekday is compared too.
        stations: what is stored of the sessions' stations, one row each: `station_id`,
            `is_registered`, `power_kw`.
        limits: the limits in force.
        received_at: when the records were received, or when each was.
        resolution_s: resolution of the source's times, s.

    Returns:
        The frame with `errors` (list of `REASON`), `warnings` (list of codes; none where there
        are errors) and `notes` completed, each in the order of `CODES`.
    """
    around = Circumstances(limits, pl.lit(received_at), resolution_s)
    readable, unreadable = _readable(frame, SESSION_FIELDS)
    known = _with_stations(readable, stations).with_columns(session_quantities(around))
    found = pl.concat([unreadable, _found(known, session_errors(around))])
    accepted = known.with_columns(is_accepted=~_at_rows(found["row"], frame.height))
    has_local_start = "started_local_at" in frame.columns
    warnings = session_warnings(around, has_local_start=has_local_start)
    notes = [*_told_notes(frame), *session_notes()]
    return frame.with_columns(
        errors=_reasons(found, frame.height, SESSION_FIELDS),
        warnings=_code_lists(accepted, warnings, Severity.WARNING),
        notes=_code_lists(accepted, notes, Severity.NOTE),
    )


def validate_stations(
    frame: pl.DataFrame, *, key_field: Literal["station_id", "name"]
) -> pl.DataFrame:
    """Every record of a registry has all its reasons.

    Args:
        frame: canonical stations or sites as the decoder leaves them.
        key_field: what names a record: `station_id` in a registry of stations, `name` in one of
            sites.

    Returns:
        The frame with `errors` (list of `REASON`) and `warnings` (none) in the order of `CODES`.
    """
    fields = tuple(
        FieldSpec(field.name, field.kind, field.description, is_required=field.name == key_field)
        for field in STATION_FIELDS
    )
    readable, unreadable = _readable(frame, fields)
    rules = [*missing_fields(fields), *station_errors()]
    found = pl.concat([unreadable, _found(readable, rules)])
    return frame.with_columns(
        errors=_reasons(found, frame.height, fields),
        warnings=pl.lit([], dtype=pl.List(pl.String)),
    )


def describe(code: str, field: str | None, value: str | None, limits: Limits) -> str:
    """Say what is wrong with a record in one sentence.

    Args:
        code: the name of a code.
        field: the field that it is about, if it is about one.
        value: what stood there, if anything did.
        limits: the limits that were in force.

    Returns:
        The code's sentence, then the field and its value where there are any.

    Raises:
        KeyError: there is no such code.
    """
    known = _CODE_BY_NAME[code]
    limit = getattr(limits, known.limit) if known.limit else None
    sentence = known.sentence.format(limit=f"{limit:g}" if isinstance(limit, float) else limit)
    if field is None:
        return sentence if value is None else f"{sentence}: {value}"
    return f"{sentence}: {field}" if value is None else f"{sentence}: {field} is {value}"


def _readable(
    frame: pl.DataFrame, fields: tuple[FieldSpec, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frame with unreadable values null and marked, and what was found unreadable."""
    rules = list(unreadable_values(fields))
    found = pl.concat([_told_problems(frame), _found(frame, rules)])
    is_malformed = found["code"] == "malformed"
    marks = {
        unreadable_mark(field.name): _at_rows(
            found["row"].filter(is_malformed | (found["field"] == field.name)), frame.height
        )
        for field in fields
        if field.is_required
    }
    fields_found = set(found["field"])
    nulled = [
        pl.when(~rule.applies).then(rule.field) for rule in rules if rule.field in fields_found
    ]
    return frame.with_columns(*nulled, **marks), found


def _with_stations(frame: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """The frame with what is known of each session's station: `is_registered`, `rated_kw`."""
    is_rated = pl.col("is_registered") & (pl.col("power_kw") > 0)
    known = stations.select(
        "station_id", "is_registered", pl.when(is_rated).then("power_kw").alias("rated_kw")
    )
    joined = frame.join(known, on="station_id", how="left", validate="m:1", maintain_order="left")
    return joined.with_columns(pl.col("is_registered").fill_null(value=False))


def _told_problems(frame: pl.DataFrame) -> pl.DataFrame:
    """What the decoder found unreadable."""
    rows = (frame["problems"].list.len() > 0).arg_true()
    if rows.is_empty():
        return pl.DataFrame(schema=_FOUND_SCHEMA)
    return (
        pl.DataFrame({"row": rows, "problem": frame["problems"].gather(rows)})
        .explode("problem")
        .unnest("problem")
        .cast(pl.Schema(_FOUND_SCHEMA))
    )


def _told_notes(frame: pl.DataFrame) -> list[Rule]:
    """The decoder's notes as rules."""
    told = frame["notes"].filter(frame["notes"].list.len() > 0).explode().unique()
    unknown = set(told) - set(code_names(Severity.NOTE))
    if unknown:
        raise ValueError(f"the decoder gives notes that are no codes: {sorted(unknown)}")
    return [Rule(code, pl.col("notes").list.contains(code)) for code in told]


def _found(frame: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    """One row for each record and rule that applies."""
    listed = list(rules)
    applies = frame.select(
        rule.applies.fill_null(value=False).alias(str(i)) for i, rule in enumerate(listed)
    )
    found = [pl.DataFrame(schema=_FOUND_SCHEMA)]
    for column, rule in zip(applies, listed, strict=True):
        if column.any():
            rows = column.arg_true()
            value = pl.lit(None, pl.String) if rule.value is None else rule.value
            found.append(
                frame[rows].select(
                    rows.alias("row"),
                    pl.lit(rule.code).alias("code"),
                    pl.lit(rule.field, pl.String).alias("field"),
                    value.alias("value"),
                )
            )
    return pl.concat(found)


def _at_rows(rows: pl.Series, height: int) -> pl.Series:
    """True at the given rows."""
    marked = np.zeros(height, dtype=bool)
    marked[rows.to_numpy()] = True
    return pl.Series(marked)


def _reasons(found: pl.DataFrame, height: int, fields: Sequence[FieldSpec]) -> pl.Series:
    """The column `errors`: what was found, gathered by row and put in order."""
    if found.is_empty():
        return pl.repeat([], height, dtype=pl.List(REASON), eager=True)
    rank_by_field = {field.name: rank for rank, field in enumerate(fields)}
    ordered = found.sort(
        "row",
        pl.col("code").replace_strict(_RANK_BY_CODE),
        pl.col("field").replace_strict(rank_by_field, default=len(fields)),
    )
    lists = ordered.group_by("row", maintain_order=True).agg(
        pl.struct("code", "field", "value").alias("errors")
    )
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    joined = rows.join(lists, on="row", how="left", maintain_order="left")["errors"]
    return joined.fill_null(pl.lit([], dtype=pl.List(REASON)))


def _code_lists(frame: pl.DataFrame, rules: Iterable[Rule], severity: Severity) -> pl.Series:
    """For each record the codes of the rules that apply, in the order of `CODES`.

    A record's codes are the bits of one number; there are few distinct numbers.
    """
    codes = code_names(severity)
    bits = pl.sum_horizontal(
        rule.applies.fill_null(value=False).cast(pl.UInt32) * (1 << codes.index(rule.code))
        for rule in rules
    )
    numbers = frame.select(bits.cast(pl.UInt32).alias("number"))
    distinct = numbers["number"].unique()
    lists = pl.Series(
        "codes",
        [[code for i, code in enumerate(codes) if number >> i & 1] for number in distinct],
        dtype=pl.List(pl.String),
    )
    if len(lists) == 1:
        return lists.new_from_index(0, frame.height)
    by_number = pl.DataFrame([distinct, lists])
    return numbers.join(by_number, on="number", how="left", maintain_order="left")["codes"]
