"""Which column is which field.

What lives here: sharing the columns out, the surest first. What does not: start and end
(`time_choice`), words (`headers`), contents (`columns`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ev_pipeline.domain.session import SESSION_FIELDS, STATION_FIELDS, Kind
from ev_pipeline.sources.draft.columns import Facts
from ev_pipeline.sources.draft.derived import (
    charging_until,
    energy_between_readings,
    is_meter_reading,
    station_and_outlet,
)
from ev_pipeline.sources.draft.headers import score
from ev_pipeline.sources.draft.quantities import unit_of
from ev_pipeline.sources.draft.statement import MAX_MARKERS, Statement
from ev_pipeline.sources.draft.time_choice import Times, choose_times
from ev_pipeline.sources.draft.weekdays import weekday_names
from ev_pipeline.sources.draft.zone_names import are_places

HINTS: Final = ("name", "latitude", "longitude", "time_zone")
"""What session rows tell of their station."""

_OTHER_CLOCK: Final = 'on whose clock? systems often write this one in UTC: times_in = "UTC"'

_UNIQUE_SHARE: Final = 0.95
"""An id of a session is nearly never there twice."""

_KINDS: Final = {spec.name: spec.kind for spec in (*SESSION_FIELDS, *STATION_FIELDS)}

_NEVER_EMPTY: Final = frozenset({"station_id", "energy_kwh", "updated_at", "weekday", "time_zone"})
"""Fields that are not guessed from a header alone."""

Records = Literal["session", "station", "site"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the columns are taken for.

    Args:
        records: what a row is.
        times: start and end.
        statements: all fields, start and end among them, in the order of the language.
        hints: what session rows tell of their station.
    """

    records: Records
    times: Times
    statements: tuple[Statement, ...]
    hints: tuple[Statement, ...]


def choose(columns: Sequence[Facts]) -> Choice:
    """What the columns are most likely."""
    times = choose_times(columns)
    is_session = times.statements or _shared_out(columns, ("energy_kwh",))
    registry = None if is_session else _registry(columns, times)
    return registry or _sessions(columns, times)


def _registry(columns: Sequence[Facts], times: Times) -> Choice | None:
    """What the columns of a registry are; null where nothing is named in it."""
    found = _shared_out(columns, [spec.name for spec in STATION_FIELDS])
    if "station_id" not in found and "name" not in found and "address" in found:
        found["name"] = found.pop("address")
    if not {"station_id", "name"} & set(found):
        return None
    records: Records = "station" if "station_id" in found else "site"
    order = [spec.name for spec in STATION_FIELDS]
    return Choice(records, times, _statements(found, order), ())


def _sessions(columns: Sequence[Facts], times: Times) -> Choice:
    """What the columns of sessions are."""
    taken = {name for statement in times.statements for name in _written_in(statement)}
    free = [column for column in columns if column.name not in taken and not column.is_zone]
    names = [spec.name for spec in SESSION_FIELDS if spec.name not in ("started_at", "ended_at")]
    found = _shared_out(free, [*names, "weekday", *HINTS])
    found |= _shared_out([column for column in columns if column.is_zone], ["time_zone"])
    if "time_zone" not in found and (zone := _zone_of_stations(columns)):
        found["time_zone"] = zone
    is_moved = "station_id" not in found and "name" in found
    if is_moved:
        found["station_id"] = found["name"]
    more = [] if "charging_duration_h" in found else charging_until(free)
    more += [] if "energy_kwh" in found else energy_between_readings(free)
    more += [] if "station_id" in found else _in_one(free, found)
    order = [*names[:4], "started_at", "ended_at", *names[4:], "weekday"]
    told = [*times.statements, *_statements(found, order), *more]
    told.sort(key=lambda statement: order.index(statement.field))
    if is_moved:
        told = [
            _checked(statement, "station_id", "its name stands for its id") for statement in told
        ]
    return Choice("session", times, tuple(told), _statements(found, HINTS))


def _in_one(free: Sequence[Facts], found: dict[str, Facts]) -> list[Statement]:
    """Station and connector in one column that is nothing else."""
    taken = {column.name for column in found.values()}
    told = station_and_outlet([column for column in free if column.name not in taken])
    return [statement for statement in told if statement.field not in found]


def _written_in(statement: Statement) -> Sequence[str]:
    """The columns of a time itself: a duration may serve another field as well."""
    is_derived = isinstance(statement.source, dict) and "start_plus" in statement.source
    return () if is_derived else statement.columns


def _zone_of_stations(columns: Sequence[Facts]) -> Facts | None:
    """The column that names several places, of which each must be a station's."""
    zones = [column for column in columns if column.is_zone and are_places(column.texts)]
    return next((column for column in zones if len(column.distinct) > 1), None)


def _checked(statement: Statement, field: str, to_check: str) -> Statement:
    if statement.field != field:
        return statement
    return Statement(field, statement.source, statement.why, to_check)


def _shared_out(columns: Sequence[Facts], fields: Sequence[str]) -> dict[str, Facts]:
    """The columns of the fields: each serves one, and what fits best is decided first."""
    pairs = [
        (found, -place, field, column)
        for place, field in enumerate(fields)
        for column in columns
        if _may_be(column, field) and (found := score(column.name, field))
    ]
    shared: dict[str, Facts] = {}
    for _, _, field, column in sorted(pairs, key=lambda pair: pair[:2], reverse=True):
        if field not in shared and column not in shared.values():
            shared[field] = column
    return shared


def _may_be(column: Facts, field: str) -> bool:
    """Whether what is in the column can be the field."""
    if column.is_empty:
        return field not in _NEVER_EMPTY
    kind = _KINDS.get(field)
    if kind is Kind.NUMBER:
        if field == "energy_kwh" and is_meter_reading(column):
            return False
        is_duration = field.endswith("_h") and column.duration is not None
        return column.numbers is not None or is_duration
    if kind is Kind.TIME:
        return column.full is not None
    return _TEXTS.get(field, _is_prose)(column)


def _is_session_id(column: Facts) -> bool:
    present = column.texts.drop_nulls()
    return column.is_identifier and present.n_unique() >= _UNIQUE_SHARE * len(present)


def _is_currency(column: Facts) -> bool:
    return bool(column.texts.drop_nulls().str.contains(r"^[A-Z]{3}$").all())


def _is_prose(column: Facts) -> bool:
    return column.numbers is None and column.full is None


_TEXTS: Final[dict[str, Callable[[Facts], bool]]] = {
    "source_session_id": _is_session_id,
    "station_id": lambda column: column.is_identifier,
    "connector_id": lambda column: column.is_identifier,
    "user_id": lambda column: column.is_identifier,
    "currency": _is_currency,
    "time_zone": lambda column: column.is_zone and are_places(column.texts),
    "weekday": lambda column: weekday_names(column.texts) is not None,
}
"""What a column must hold to be a field of text; prose for the others."""


def _statements(found: dict[str, Facts], order: Sequence[str]) -> tuple[Statement, ...]:
    """The statements of the fields that `order` names, in that order."""
    return tuple(_statement(field, found[field]) for field in order if field in found)


def _statement(field: str, column: Facts) -> Statement:
    """How the field is read from the column."""
    source: dict[str, Any] = {"column": column.name}
    to_check: list[str] = []
    if field == "weekday":
        source |= {"names": names} if (names := weekday_names(column.texts)) else {}
    elif column.full is not None and _KINDS.get(field) is Kind.TIME:
        source["format"] = column.full.format
        to_check += [] if column.full.is_sure else [column.full.why]
        to_check += (
            [] if column.full.has_offset else ['on whose clock? often it is times_in = "UTC"']
        )
    elif column.duration is not None and _KINDS.get(field) is Kind.NUMBER:
        source["format"] = column.duration
    elif column.numbers is not None and _KINDS.get(field) is Kind.NUMBER:
        if unit := unit_of(column.name, field, column.numbers):
            source |= {} if unit.is_own else {"unit": unit.name}
            to_check += [] if unit.is_sure else [unit.why]
        if 0 < len(column.numbers.unread) <= MAX_MARKERS:
            source["missing"] = [*column.numbers.unread]
            to_check.append("do the texts in missing mean that there is no number?")
    is_plain = len(source) == 1
    return Statement(field, column.name if is_plain else source, to_check="; ".join(to_check))
