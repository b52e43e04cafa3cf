"""What a mapping must say, where the columns did not tell it.

What lives here: fields that are left open, durations instead of times, and the currency.
What does not: what the columns told (`choice`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ev_pipeline.sources.draft.choice import Choice
from ev_pipeline.sources.draft.columns import Facts, best
from ev_pipeline.sources.draft.headers import words_of
from ev_pipeline.sources.draft.number_styles import CURRENCIES
from ev_pipeline.sources.draft.quantities import unit_of
from ev_pipeline.sources.draft.statement import Statement

_NOTHING_FITS: Final = "no column looks like it; write which one it is"


def completed(choice: Choice, columns: Sequence[Facts]) -> tuple[Statement, ...]:
    """The statements of `[fields]`, with those that a mapping cannot go without."""
    if choice.records != "session":
        return choice.statements
    statements = _with(choice.statements, "station_id")
    statements = _with_times(statements, columns)
    statements = _with(statements, "energy_kwh")
    return _with_currency(statements, columns)


def _with(statements: tuple[Statement, ...], field: str) -> tuple[Statement, ...]:
    """The statements, the field among them; a stand-in that could pass for data is none."""
    if any(statement.field == field for statement in statements):
        return statements
    return (*statements, Statement(field, {}, to_check=_NOTHING_FITS, is_open=True))


def _with_times(
    statements: tuple[Statement, ...], columns: Sequence[Facts]
) -> tuple[Statement, ...]:
    """The statements with start and end; where no time is written, the moment of loading ends."""
    told = {statement.field for statement in statements} & {"started_at", "ended_at"}
    duration = _duration(columns)
    if "started_at" not in told and duration is not None:
        statements = (
            *statements,
            Statement("started_at", duration, to_check="is it this duration?"),
        )
        if "ended_at" not in told:
            why = "no time is in the file: the moment of loading stands for the end"
            statements = (*statements, Statement("ended_at", {"receipt": True}, to_check=why))
    return _with(_with(statements, "started_at"), "ended_at")


def _duration(columns: Sequence[Facts]) -> dict[str, Any] | None:
    """A source that goes back from the end by a duration, if there is one."""
    durations = [column for column in columns if column.duration or column.numbers]
    for field in ("session_duration", "charging_duration_h"):
        column = best(durations, field)
        if column is None:
            continue
        if column.duration is not None:
            return {"end_minus": column.name, "format": column.duration}
        if column.numbers and (unit := unit_of(column.name, "charging_duration_h", column.numbers)):
            return {"end_minus": column.name, "unit": unit.name}
    return None


def _with_currency(
    statements: tuple[Statement, ...], columns: Sequence[Facts]
) -> tuple[Statement, ...]:
    """The statements with the currency that the cost's header or cells name, or the question."""
    fields = {statement.field: statement for statement in statements}
    cost = fields.get("cost")
    if cost is None or "currency" in fields:
        return statements
    header = " ".join(cost.columns)
    names = [CURRENCIES[word] for word in (*words_of(header), *header) if word in CURRENCIES]
    why = "the header of the cost says so"
    if not names:
        why = "it stands beside the cost"
        cells = [facts.numbers for facts in columns if facts.name in cost.columns]
        signs = {sign for numbers in cells if numbers is not None for sign in numbers.beside}
        names = sorted({name for sign in signs if (name := _currency_of(sign))})
        names = names if len(names) == 1 else []
    place = statements.index(cost)
    if names:
        currency = Statement("currency", {"value": names[0]}, why)
        return (*statements[: place + 1], currency, *statements[place + 1 :])
    question = 'in which currency? add a line such as currency = { value = "EUR" }'
    said = "; ".join(filter(None, (cost.to_check, question)))
    return (*statements[:place], replace(cost, to_check=said), *statements[place + 1 :])


def _currency_of(sign: str) -> str | None:
    """The currency that a text beside a number stands for."""
    return CURRENCIES.get(sign) or CURRENCIES.get(sign.lower())
