"""Rules made ready: to make their expressions takes longer than to apply them to a small batch.

What lives here: sets of rules as expressions that are made once. What does not: the rules
(`rules`), and what is made of what they find (`validation`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import polars as pl

from ev_pipeline.domain.codes import Severity, code_names
from ev_pipeline.domain.rules import (
    ISO_4217,
    MAX_KEY_BYTES,
    MAX_TEXT_CHARS,
    Circumstances,
    Rule,
    session_errors,
    session_notes,
    session_quantities,
    session_warnings,
    unreadable_values,
)
from ev_pipeline.domain.session import SESSION_FIELDS, FieldSpec, Kind
from ev_pipeline.settings import Limits

RECEIPT: Final = "receipt_at"
"""The column in which rules find when each record was received."""

IS_SOUND: Final = "is_sound"
"""The column that says whether a session surely has no error."""

MAX_KNOWN: Final = 64
"""Sets that are kept: one process knows one set of limits, few sources' resolutions, and what each
of these says of a session."""


OPTIONAL: Final = frozenset(
    {field.name for field in SESSION_FIELDS if field.kind in (Kind.TEXT, Kind.NUMBER)}
    | {"rated_kw", "weekday", "started_local_at"}
)
"""The columns about which nothing is asked where no record says anything in them."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Rules, and for each a column that says where it applies.

    Args:
        rules: the rules.
        columns: of each, in order; never null, and named by its place.
    """

    rules: tuple[Rule, ...]
    columns: tuple[pl.Expr, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """The conditions of these rules."""
        listed = tuple(rules)
        columns = (
            rule.applies.fill_null(value=False).alias(str(place))
            for place, rule in enumerate(listed)
        )
        return cls(listed, tuple(columns))


@dataclass(frozen=True, slots=True, eq=False)
class SessionRules:
    """What is asked of sessions.

    Args:
        quantities: what several rules compare.
        errors: why a record is refused.
        warnings: the codes that apply, as the bits of one number.
    """

    quantities: tuple[pl.Expr, ...]
    errors: Conditions
    warnings: pl.Expr


@dataclass(frozen=True, slots=True, eq=False)
class FirstLook:
    """What is asked of all sessions before any is looked at closely.

    Args:
        columns: the columns of the frame that it reads.
        quantities: what several of its expressions compare.
        answers: whether a session is surely sound, by the name `IS_SOUND`, and its codes in case.
    """

    columns: tuple[str, ...]
    quantities: tuple[pl.Expr, ...]
    answers: tuple[pl.Expr, ...]


@lru_cache(maxsize=MAX_KNOWN)
def session_rules(limits: Limits, resolution_s: float, *, has_local_start: bool) -> SessionRules:
    """The rules for sessions whose frame has the column `RECEIPT`.

    Args:
        limits: the limits in force.
        resolution_s: resolution of the source's times, s.
        has_local_start: whether the frame tells the start on the station's own clock.
    """
    around = Circumstances(limits, pl.col(RECEIPT), resolution_s)
    warnings = session_warnings(around, has_local_start=has_local_start)
    return SessionRules(
        quantities=tuple(session_quantities(around)),
        errors=Conditions.of(session_errors(around)),
        warnings=_bits(warnings, Severity.WARNING),
    )


@lru_cache(maxsize=MAX_KNOWN)
def first_look(
    limits: Limits, resolution_s: float, *, said: frozenset[str], told: tuple[str, ...]
) -> FirstLook:
    """What the first look asks of sessions whose frame has the column `RECEIPT`.

    To plan an expression takes longer than to evaluate it on a few records, so nothing is asked
    about what no record says.

    Args:
        limits: the limits in force.
        resolution_s: resolution of the source's times, s.
        said: the columns in which any record says something.
        told: notes of the decoder, of those that any record has.
    """
    around = Circumstances(limits, pl.col(RECEIPT), resolution_s)
    warnings = [
        rule
        for rule in session_warnings(around, has_local_start="started_local_at" in said)
        if rule.needs is None or rule.needs in said
    ]
    quantities = tuple(session_quantities(around))
    answers = (
        is_surely_sound(limits, said).alias(IS_SOUND),
        _bits(warnings, Severity.WARNING),
        session_note_bits(told),
    )
    read = {name for expression in (*quantities, *answers) for name in expression.meta.root_names()}
    made = {expression.meta.output_name() for expression in quantities}
    return FirstLook(tuple(sorted(read - made)), quantities, answers)


def is_surely_sound(limits: Limits, said: frozenset[str]) -> pl.Expr:
    """Whether no rule finds an error; of a few sound sessions it is not sure.

    One condition in place of some forty, since nearly every session is sound: whoever is not sure
    asks them all.

    Args:
        limits: the limits in force.
        said: the columns in which any record says something.

    Returns:
        A condition on canonical frames with `session_quantities` and `is_registered`.
    """
    fields = [field for field in SESSION_FIELDS if field.name in said]
    texts = [field.name for field in fields if field.kind is Kind.TEXT]
    numbers = [field.name for field in fields if field.kind is Kind.NUMBER]
    if not texts or not numbers:
        return pl.lit(value=False)
    all_text = pl.concat_str(texts, ignore_nulls=True)
    sure = [
        pl.col("problems").list.len() == 0,
        all_text.str.len_bytes() <= min(MAX_KEY_BYTES, MAX_TEXT_CHARS),
        pl.sum_horizontal(numbers).is_finite(),
        pl.col("station_id").str.strip_chars() != "",
        pl.col("session_s").is_not_null(),
        pl.col("mean_power_kw") <= limits.max_mean_power_kw,
    ]
    if "charging_duration_h" in said:
        sure.append((pl.col("charging_duration_h") >= 0).fill_null(value=True))
    if "currency" in said:
        sure.append(pl.col("currency").str.contains(ISO_4217).fill_null(value=True))
    if limits.closed_registry:
        sure.append(pl.col("is_registered"))
    return pl.all_horizontal(sure).fill_null(value=False)


@lru_cache(maxsize=MAX_KNOWN)
def unreadable_conditions(fields: tuple[FieldSpec, ...]) -> Conditions:
    """Where numbers and texts of these fields are no values."""
    return Conditions.of(unreadable_values(fields))


@lru_cache(maxsize=MAX_KNOWN)
def session_note_bits(told: tuple[str, ...]) -> pl.Expr:
    """The notes of each session, as the bits of one number.

    Args:
        told: notes of the decoder, of those that any record has.
    """
    rules = [Rule(code, pl.col("notes").list.contains(code)) for code in told]
    return _bits([*rules, *session_notes()], Severity.NOTE)


def _bits(rules: Iterable[Rule], severity: Severity) -> pl.Expr:
    """The codes that apply to a record: the bits of one number, in the order of `CODES`."""
    codes = code_names(severity)
    bits = pl.sum_horizontal(
        rule.applies.fill_null(value=False).cast(pl.UInt32) * (1 << codes.index(rule.code))
        for rule in rules
    )
    return bits.cast(pl.UInt32).alias(severity)
