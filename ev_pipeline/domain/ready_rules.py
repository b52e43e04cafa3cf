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
    Circumstances,
    Rule,
    session_errors,
    session_notes,
    session_quantities,
    session_warnings,
    unreadable_values,
)
from ev_pipeline.domain.session import FieldSpec
from ev_pipeline.settings import Limits

RECEIPT: Final = "receipt_at"
"""The column in which rules find when each record was received."""

_MAX_KNOWN: Final = 32
"""Sets that are kept: one process knows one set of limits, and few sources' resolutions."""


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


@dataclass(frozen=True, slots=True)
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


@lru_cache(maxsize=_MAX_KNOWN)
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


@lru_cache(maxsize=_MAX_KNOWN)
def unreadable_conditions(fields: tuple[FieldSpec, ...]) -> Conditions:
    """Where numbers and texts of these fields are no values."""
    return Conditions.of(unreadable_values(fields))


@lru_cache(maxsize=_MAX_KNOWN)
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
