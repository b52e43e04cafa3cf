"""How numbers are written in the file as a whole, and where a field has its own way.

What lives here: sharing out what the columns told between `[file]` and the fields.
What does not: how one column writes numbers (`number_styles`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, Kind
from ev_pipeline.sources.draft.columns import Facts
from ev_pipeline.sources.draft.quantities import Numbers
from ev_pipeline.sources.draft.statement import Statement
from ev_pipeline.sources.numbers import NumberStyle

_NUMBERS: Final = {
    spec.name for spec in (*SESSION_FIELDS, *STATION_FIELDS) if spec.kind is Kind.NUMBER
}
"""Fields that are numbers."""


def style_of_file(statements: Sequence[Statement], columns: Sequence[Facts]) -> NumberStyle:
    """The signs of the energy, else of the first field that has any."""
    told = _numbers_by_field(statements, columns)
    order = sorted(told, key=lambda field: field != "energy_kwh")
    decimals = [told[field].decimal for field in order]
    decimal = next(filter(None, decimals), ".")
    same = [told[field] for field in order if told[field].decimal in (decimal, None)]
    thousands = next(filter(None, (numbers.thousands for numbers in same)), "")
    return NumberStyle(decimal, "" if thousands == decimal else thousands)


def with_own_styles(
    statements: tuple[Statement, ...], columns: Sequence[Facts], file: NumberStyle
) -> tuple[Statement, ...]:
    """The statements, in which those of other signs than the file's, or of texts beside, say so."""
    told = _numbers_by_field(statements, columns)
    return tuple(
        _styled(statement, told[statement.field], file) if statement.field in told else statement
        for statement in statements
    )


def _styled(statement: Statement, numbers: Numbers, file: NumberStyle) -> Statement:
    own: dict[str, Any] = {}
    if numbers.decimal not in (None, file.decimal):
        own["decimal"] = numbers.decimal
        own |= {"thousands": numbers.thousands} if numbers.thousands else {}
    elif numbers.thousands and numbers.thousands != file.thousands:
        own["thousands"] = numbers.thousands
    if numbers.beside:
        own["beside"] = [*numbers.beside]
    if not own:
        return statement
    source = statement.source
    return replace(
        statement, source={**({"column": source} if isinstance(source, str) else source), **own}
    )


def _numbers_by_field(
    statements: Sequence[Statement], columns: Sequence[Facts]
) -> dict[str, Numbers]:
    """How the column of each field that is a number, or follows from one, writes numbers."""
    facts = {column.name: column for column in columns}
    told = {}
    for statement in statements:
        source = statement.source
        is_derived = isinstance(source, dict) and {"start_plus", "end_minus"} & {*source}
        has_format = isinstance(source, dict) and "format" in source
        if has_format or not (statement.field in _NUMBERS or is_derived):
            continue
        for name in statement.columns:
            if (numbers := facts[name].numbers) is not None:
                told[statement.field] = numbers
    return told
