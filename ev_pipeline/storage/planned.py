"""Statements that a connection plans once, where it runs them again and again.

What lives here: marking a statement, and having an engine's connections prepare what is marked.
What does not: any statement.

To parse and plan the statements of a stream's small batch takes PostgreSQL longer than to run them,
and psycopg2 prepares none by itself. A file's load runs each of them once: its engine leaves them
as they are.

References:
    PostgreSQL documentation, PREPARE: a statement is kept until its connection ends, whatever
    becomes of the transaction; it is planned anew where its tables have changed.
"""

import re
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from psycopg2.errors import FeatureNotSupported

_MARK: Final = "ev_planned_once"
_PLANNED_FOR: Final = "ev_planned_for_bytes"
_PARAMETER: Final = re.compile(r"%\((\w+)\)s|%%")

_Statement = TypeVar("_Statement", bound=sa.Executable)


def planned(sql: str) -> sa.TextClause:
    """The statement, marked. The types of its parameters follow from their places in it."""
    return marked(sa.text(sql))


def marked(statement: _Statement) -> _Statement:
    """The statement, marked."""
    return statement.execution_options(**{_MARK: True})


def plan_once(engine: sa.Engine) -> None:
    """Each connection of the engine prepares each marked statement when it first runs it.

    Where a migration has changed what a statement answers, its connection ends as if it were lost.
    """
    if not sa.event.contains(engine, "before_cursor_execute", _prepared):
        sa.event.listen(engine, "before_cursor_execute", _prepared, retval=True)
        sa.event.listen(engine, "handle_error", _give_up_outdated)


def plan_for(connection: sa.Connection, n_bytes: int) -> None:
    """Plans that were made while the largest table had less than half of this are made anew.

    A plan without parameters is kept for ever otherwise, though it was made for an empty table.
    """
    if n_bytes > 2 * connection.info.get(_PLANNED_FOR, 0):
        connection.exec_driver_sql("discard plans")
        connection.info[_PLANNED_FOR] = n_bytes


def _give_up_outdated(context: sa.ExceptionContext) -> None:
    error = context.original_exception
    if isinstance(error, FeatureNotSupported) and "cached plan" in str(error):
        context.is_disconnect = True


def _prepared(*event: Any) -> tuple[str, Any]:
    """The statement as it is run in place of that of SQLAlchemy's event."""
    connection, cursor, sql, parameters, context, is_many = event
    if is_many or not context.execution_options.get(_MARK):
        return sql, parameters
    calls: dict[str, str] = connection.info.setdefault(_MARK, {})
    if sql not in calls:
        name = f"planned_{len(calls)}"
        text, places = _numbered(sql)
        cursor.execute(f"prepare {name} as {text}")
        calls[sql] = f"execute {name}({', '.join(places)})" if places else f"execute {name}"
    return calls[sql], parameters


def _numbered(sql: str) -> tuple[str, list[str]]:
    """The statement with numbers for its parameters, and the parameters in their order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return _PARAMETER.sub(number, sql), [f"%({name})s" for name in numbers]
