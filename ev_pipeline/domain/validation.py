"""What is wrong with records: every reason of every row at once, and how each is said.

What lives here: running the rules over a whole frame, and the order in which codes are listed.
What does not: the rules (`rules`) and the codes (`codes`); `overlaps_same_connector` and
`conflicts_with_stored`, which storage decides; `clock_suspect` (`intake.clocks`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import numpy as np
import polars as pl

from ev_pipeline.domain.codes import CODES, Severity, code_names
from ev_pipeline.domain.prepared import AS_WRITTEN
from ev_pipeline.domain.ready_rules import (
    IS_SOUND,
    OPTIONAL,
    RECEIPT,
    Conditions,
    first_look,
    session_note_bits,
    session_rules,
    unreadable_conditions,
)
from ev_pipeline.domain.rules import missing_fields, station_errors, unreadable_mark
from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, FieldSpec
from ev_pipeline.settings import Limits

REASON: Final = pl.Struct({"code": pl.String, "field": pl.String, "value": pl.String})
"""One reason why a record is quarantined; field and value are null where there are none."""

_FOUND_SCHEMA: Final = {"row": pl.UInt32, **REASON.to_schema()}
_RANK_BY_CODE: Final = {code.name: rank for rank, code in enumerate(CODES)}
_CODE_BY_NAME: Final = {code.name: code for code in CODES}
_NOTHING_FOUND: Final = pl.DataFrame(schema=_FOUND_SCHEMA)
_NO_REASONS: Final = pl.Series("errors", [[]], dtype=pl.List(REASON))


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
    told = _told_notes(frame)
    known = with_stations(frame, stations).with_columns(
        pl.lit(received_at).alias(RECEIPT), is_accepted=pl.lit(value=True)
    )
    found, codes = _NOTHING_FOUND, _first_look(known, limits, resolution_s, told)
    if not codes[IS_SOUND].all():
        has_local_start = "started_local_at" in frame.columns
        rules = session_rules(limits, resolution_s, has_local_start=has_local_start)
        readable, unreadable = _readable(known, SESSION_FIELDS)
        known_values = readable.with_columns(rules.quantities)
        found = _together(unreadable, _found(known_values, rules.errors))
        is_accepted = ~_at_rows(found["row"], frame.height)
        codes = known_values.with_columns(is_accepted=is_accepted).select(
            rules.warnings, session_note_bits(told)
        )
    return frame.with_columns(
        errors=_reasons(found, frame.height, SESSION_FIELDS),
        warnings=_code_lists(codes, Severity.WARNING),
        notes=_code_lists(codes, Severity.NOTE),
    )


def _first_look(
    known: pl.DataFrame, limits: Limits, resolution_s: float, told: tuple[str, ...]
) -> pl.DataFrame:
    """Whether each record is surely sound, and its codes if it is accepted.

    Most batches have no record with an error: to say so takes one query, to say which has what
    takes many.
    """
    said = frozenset(
        column.name
        for column in known.get_columns()
        if column.name in OPTIONAL and column.null_count() < known.height
    )
    look = first_look(limits, resolution_s, said=said, told=told)
    return (
        known[list(look.columns)]
        .lazy()
        .with_columns(look.quantities)
        .select(look.answers)
        .collect(optimizations=AS_WRITTEN)
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
    conditions = Conditions.of([*missing_fields(fields), *station_errors()])
    found = _together(unreadable, _found(readable, conditions))
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
    conditions = unreadable_conditions(fields)
    found = _together(_told_problems(frame), _found(frame, conditions))
    required = [field.name for field in fields if field.is_required]
    if found.is_empty():
        return frame.with_columns(
            pl.lit(value=False).alias(unreadable_mark(name)) for name in required
        ), found
    is_malformed = found["code"] == "malformed"
    marks = {
        unreadable_mark(name): _at_rows(
            found["row"].filter(is_malformed | (found["field"] == name)), frame.height
        )
        for name in required
    }
    fields_found = set(found["field"])
    nulled = [
        pl.when(~rule.applies).then(rule.field)
        for rule in conditions.rules
        if rule.field in fields_found
    ]
    return frame.with_columns(*nulled, **marks), found


def with_stations(frame: pl.DataFrame, stations: pl.DataFrame) -> pl.DataFrame:
    """The frame with what is known of each session's station: `is_registered`, `rated_kw`."""
    # Not a join: of a stream's few records it would take longer than all of this.
    ratings = {
        station: power if power is not None and power > 0 else None
        for station, is_registered, power in zip(
            *(stations[name].to_list() for name in ("station_id", "is_registered", "power_kw")),
            strict=True,
        )
        if is_registered
    }
    named = frame["station_id"].to_list()
    return frame.hstack(
        [
            pl.Series("is_registered", [name in ratings for name in named], dtype=pl.Boolean),
            pl.Series("rated_kw", [ratings.get(name) for name in named], dtype=pl.Float64),
        ]
    )


def _told_problems(frame: pl.DataFrame) -> pl.DataFrame:
    """What the decoder found unreadable."""
    rows = (frame["problems"].list.len() > 0).arg_true()
    if rows.is_empty():
        return _NOTHING_FOUND
    return (
        pl.DataFrame({"row": rows, "problem": frame["problems"].gather(rows)})
        .explode("problem")
        .unnest("problem")
        .cast(pl.Schema(_FOUND_SCHEMA))
    )


def _told_notes(frame: pl.DataFrame) -> tuple[str, ...]:
    """The decoder's notes, each once."""
    told = tuple(sorted({*frame["notes"].explode().to_list()} - {None}))
    unknown = set(told) - set(code_names(Severity.NOTE))
    if unknown:
        raise ValueError(f"the decoder gives notes that are no codes: {sorted(unknown)}")
    return told


def _found(frame: pl.DataFrame, conditions: Conditions) -> pl.DataFrame:
    """One row for each record and rule that applies."""
    found = []
    for column, rule in zip(frame.select(conditions.columns), conditions.rules, strict=True):
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
    return _together(*found)


def _together(*found: pl.DataFrame) -> pl.DataFrame:
    """All that was found, wherever."""
    parts = [part for part in found if not part.is_empty()]
    return pl.concat(parts) if parts else _NOTHING_FOUND


def _at_rows(rows: pl.Series, height: int) -> pl.Series:
    """True at the given rows."""
    marked = np.zeros(height, dtype=bool)
    marked[rows.to_numpy()] = True
    return pl.Series(marked)


def _reasons(found: pl.DataFrame, height: int, fields: Sequence[FieldSpec]) -> pl.Series:
    """The column `errors`: what was found, gathered by row and put in order."""
    if found.is_empty():
        return _NO_REASONS.new_from_index(0, height)
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


def _code_lists(numbers: pl.DataFrame, severity: Severity) -> pl.Series:
    """For each record the codes that the bits of its number stand for, in the order of `CODES`.

    There are few distinct numbers, and most often one.
    """
    column = numbers[severity]
    distinct = column.head(1) if column.min() == column.max() else column.unique()
    lists = pl.Series(
        "codes",
        [
            [code for i, code in enumerate(code_names(severity)) if number >> i & 1]
            for number in distinct
        ],
        dtype=pl.List(pl.String),
    )
    if len(lists) == 1:
        return lists.new_from_index(0, numbers.height)
    by_number = pl.DataFrame([distinct, lists])
    return numbers.join(by_number, on=severity, how="left", maintain_order="left")["codes"]
