"""Statements that a connection plans once, where it runs them again and again.

What lives here: marking a statement, having an engine's connections prepare what is marked, and
sending statements together whose answers nobody waits for. What does not: any statement.

To parse and plan the statements of a stream's small batch takes PostgreSQL longer than to run them,
and psycopg2 prepares none by itself; to send each and wait for it takes as long again. A file's
load runs each of them once: its engine leaves them as they are.

References:
    PostgreSQL documentation, PREPARE: a statement is kept until its connection ends, whatever
    becomes of the transaction; it is planned anew where its tables have changed.
"""

import re
from contextlib import closing
from functools import cache
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from psycopg2.errors import FeatureNotSupported
from sqlalchemy.dialects.postgresql import psycopg2 as driver

_MARK: Final = "ev_planned_once"
_PLANNED_FOR: Final = "ev_planned_for_bytes"
_WAITING: Final = "ev_waiting"
_DIALECT: Final = driver.dialect()  # type: ignore[no-untyped-call]
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
        sa.event.listen(engine, "commit", _send_at_commit)
        sa.event.listen(engine, "rollback", _forget_waiting)


def later(
    connection: sa.Connection, statement: sa.TextClause | sa.Select[Any], **values: Any
) -> None:
    """Run a marked statement together with the connection's next one, before it.

    Nobody hears what it answers; if it fails, the next one does. Whoever ends the transaction calls
    `send_waiting` before. Where the engine plans nothing, it runs at once.

    Args:
        connection: the transaction.
        statement: the statement.
        values: of its parameters.
    """
    calls = connection.info.get(_MARK)
    if calls is None:
        connection.execute(statement, values)
        return
    sql, told = _for_driver(statement)
    with closing(connection.connection.cursor()) as cursor:
        driver_cursor: Any = cursor
        call = driver_cursor.mogrify(_call(calls, cursor, sql), told | values)
    connection.info.setdefault(_WAITING, []).append(call.decode())


def send_waiting(connection: sa.Connection) -> None:
    """What waits runs now: the next statement is none of SQLAlchemy's, or there is none."""
    if waiting := connection.info.pop(_WAITING, None):
        connection.exec_driver_sql(_together(waiting))


def _send_at_commit(connection: sa.Connection) -> None:
    """What nobody has sent by then; if it fails the connection ends, for nobody takes it back."""
    try:
        send_waiting(connection)
    except sa.exc.DBAPIError:
        connection.invalidate()
        raise


def _forget_waiting(connection: sa.Connection) -> None:
    if not connection.invalidated:  # else what is known of it is gone already
        connection.info.pop(_WAITING, None)


@cache
def _for_driver(statement: sa.TextClause | sa.Select[Any]) -> tuple[str, dict[str, Any]]:
    """The statement as the driver takes it, and the values that stand in it."""
    compiled = statement.compile(dialect=_DIALECT)
    return str(compiled), compiled.params


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
    """The statement as it is run in place of that of SQLAlchemy's event, after what waits."""
    connection, cursor, sql, parameters, context, is_many = event
    if is_many:
        send_waiting(connection)
    elif context.execution_options.get(_MARK):
        sql = _call(connection.info.setdefault(_MARK, {}), cursor, sql)
    if waiting := connection.info.pop(_WAITING, None):
        sql = f"{_together(waiting)}; {sql}"
    return sql, parameters


def _together(calls: list[str]) -> str:
    """Statements whose values stand in them, as the driver takes them with others."""
    return "; ".join(calls).replace("%", "%%")


def _call(calls: dict[str, str], cursor: Any, sql: str) -> str:
    """What runs the statement, which the connection prepares unless it has."""
    if sql not in calls:
        name = f"planned_{len(calls)}"
        text, places = _numbered(sql)
        cursor.execute(f"prepare {name} as {text}")
        calls[sql] = f"execute {name}({', '.join(places)})" if places else f"execute {name}"
    return calls[sql]


def _numbered(sql: str) -> tuple[str, list[str]]:
    """The statement with numbers for its parameters, and the parameters in their order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    return _PARAMETER.sub(number, sql), [f"%({name})s" for name in numbers]
