"""Texts that sources write where they have no value.

What lives here: which, finding them, and saying so of the fields that have them.
What does not: texts that are no value because a column is otherwise of numbers or times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from ev_pipeline.sources.draft.columns import Facts
from ev_pipeline.sources.draft.statement import Statement

_NOBODY: Final = frozenset(
    {"anonymous", "anonym", "anonyme", "anonimo", "anoniem", "guest", "gast", "ad-hoc", "adhoc"}
)
"""What stands for a user whom nobody knows; small letters."""

_QUESTION: Final = "do the texts in missing mean that there is no value?"


def with_markers(
    statements: tuple[Statement, ...], columns: Sequence[Facts]
) -> tuple[Statement, ...]:
    """The statements, those of columns with markers of no value naming them."""
    facts = {column.name: column for column in columns}
    return tuple(_with_markers(statement, facts) for statement in statements)


def _with_markers(statement: Statement, facts: dict[str, Facts]) -> Statement:
    told = statement.told
    if len(told) != 1 or statement.is_open:
        return statement
    column = facts[told[0]]
    found = [*column.markers]
    if statement.field == "user_id":
        found += [text for text in column.distinct if text.casefold() in _NOBODY]
    if not found:
        return statement
    source: dict[str, Any] = (
        {"column": statement.source} if isinstance(statement.source, str) else statement.source
    )
    asked = "in missing mean" in statement.to_check
    to_check = [statement.to_check, "" if asked else _QUESTION]
    missing = [*dict.fromkeys([*found, *source.get("missing", [])])]
    return replace(
        statement,
        source={**source, "missing": missing},
        to_check="; ".join(filter(None, to_check)),
    )


def markers_of_joined(statements: Iterable[Statement], columns: Sequence[Facts]) -> tuple[str, ...]:
    """The markers in columns that are joined: only those of the whole mapping hold there."""
    joined = {name for told in statements if len(told.told) > 1 for name in told.told}
    found = {marker for column in columns if column.name in joined for marker in column.markers}
    return tuple(sorted(found))
