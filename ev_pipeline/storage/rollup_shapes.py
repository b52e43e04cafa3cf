"""What each rollup sums of the change log, and by what.

What lives here: the rollups' keys, sums and the queries that form them from signed changes.
What does not: folding and reading them (`rollups`).

Every query sums, so that the two sides of a correction, and folding in any grouping, cancel to the
last digit: sums are numeric. None can fail on what a charger may send: a change that could not be
folded would stop every panel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

UNKNOWN_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency: a cost of which nobody says in what."""

LONGEST_OCCUPATION_DAYS: Final = 31
"""d; a session that lasted longer is a charger that forgot to end it, not a vehicle: when its
connector was taken is unknown. It also bounds the days among which one session is split."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """One table of sums.

    Args:
        table: its name.
        keys: its primary key.
        sums: what it sums.
        query: the query for keys and sums over the changes that a condition selects; it may need
            the parameter `timezone`, the zone of the rollups' days.
    """

    table: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    query: Callable[[str], str]


_MEASURED: Final = (
    *("n_sessions", "energy_kwh", "duration_s", "n_charging", "charging_s"),
    *("cost", "n_idle", "idle_s"),
)

_END_FROM_CHARGING: Final = """
    coalesce('end_derived' = any(quality_codes)
        and charging_duration_h >= (extract(epoch from ended_at - started_at) - 1) / 3600, false)
"""
"""Whether the end is the start plus the charging duration: who knows until when it was plugged."""

_MEASURES: Final = f"""
    case when cost is null then '' else coalesce(currency, '{UNKNOWN_CURRENCY}') end as currency,
    sum(sign) as n_sessions,
    sum((sign * energy_kwh)::numeric) as energy_kwh,
    sum(extract(epoch from
        case when sign > 0 then ended_at - started_at else started_at - ended_at end
    )) as duration_s,
    coalesce(sum(sign) filter (where charging_duration_h is not null), 0) as n_charging,
    coalesce(sum((sign * charging_duration_h)::numeric * 3600), 0) as charging_s,
    coalesce(sum((sign * cost)::numeric), 0) as cost,
    coalesce(sum(sign) filter (
        where charging_duration_h is not null and not {_END_FROM_CHARGING}), 0) as n_idle,
    coalesce(sum(sign * greatest(
        extract(epoch from ended_at - started_at) - charging_duration_h::numeric * 3600, 0
    )) filter (where charging_duration_h is not null and not {_END_FROM_CHARGING}), 0) as idle_s
"""

_QUARTER: Final = "date_bin('15 minutes', started_at, timestamptz '2000-01-01 00:00:00+00')"
"""The quarter-hour, UTC: every zone's hours and days begin at one."""

_DAY: Final = "(started_at at time zone :timezone)::date"


def network_by_quarter(condition: str) -> str:
    """Sums by quarter-hour and currency."""
    return f"""
        select {_QUARTER} as quarter_at, {_MEASURES} from ev_session_change where {condition}
        group by 1, 2
    """  # noqa: S608 -- constant names


def network_by_day(condition: str) -> str:
    """Sums by day and currency, by way of the quarter-hours."""
    return day_of_quarters(f"({network_by_quarter(condition)})")


def day_of_quarters(quarters: str) -> str:
    """Sums by day and currency.

    Args:
        quarters: a table or subquery of sums by quarter-hour.
    """
    sums = ", ".join(f"sum({name}) as {name}" for name in _MEASURED)
    return f"""
        select (quarter_at at time zone :timezone)::date as day, currency, {sums}
        from {quarters} by_quarter group by 1, 2
    """  # noqa: S608 -- constant names


def stations_by_day(condition: str) -> str:
    """Sums by station, day and currency."""
    return f"""
        select scope, station_id, {_DAY} as day, {_MEASURES} from ev_session_change
        where {condition} group by 1, 2, 3, 4
    """  # noqa: S608 -- constant names


def whole_of_stations(days: str) -> str:
    """Sums by station and currency.

    Args:
        days: a table or subquery of sums by station and day.
    """
    sums = ", ".join(f"sum({name}) as {name}" for name in _MEASURED)
    return f"""
        select scope, station_id, currency, {sums} from {days} by_day group by 1, 2, 3
    """  # noqa: S608 -- constant names


def _stations(condition: str) -> str:
    return whole_of_stations(f"({stations_by_day(condition)})")


def _users(condition: str) -> str:
    return f"""
        select scope, user_id, sum(sign) as n_sessions,
            sum((sign * energy_kwh)::numeric) as energy_kwh
        from ev_session_change where user_id is not null and {condition} group by 1, 2
    """  # noqa: S608 -- constant names


def _codes(condition: str) -> str:
    return f"""
        select code, sum(sign) as n_sessions
        from ev_session_change cross join lateral unnest(quality_codes) code
        where quality_codes <> '{{}}' and {condition} group by 1
    """  # noqa: S608 -- constant names


_FORGOTTEN: Final = f"ended_at - started_at > interval '{LONGEST_OCCUPATION_DAYS} days'"


def _midnight(day: str) -> str:
    """When a day begins: the earlier one where clocks go back over midnight."""
    return f"""least({day}::timestamp at time zone :timezone,
        ({day}::timestamp - interval '1 hour') at time zone :timezone + interval '1 hour')"""


_SPLIT: Final = f"""
    select first_day + n as day, 0 as n_unknown,
        case when is_unknown then 0 else
            greatest(least(duration_s, until_s) - greatest(since_s, 0), 0)
            - case when n = 0 then duration_s else 0 end
        end as occupied_s,
        greatest(case when is_last then charging_s else least(charging_s, until_s) end
            - greatest(since_s, 0), 0) - case when n = 0 then charging_s else 0 end as charging_s
    from generate_series(0, last_day - first_day) n
    cross join lateral (
        select extract(epoch from {_midnight("(first_day + n)")} - started_at) as since_s,
            extract(epoch from {_midnight("(first_day + n + 1)")} - started_at) as until_s,
            first_day + n = last_day as is_last
    ) midnights
"""  # noqa: S608 -- constant names
"""The days of one session: what each has of it, less what its first day was given whole. Energy is
taken to flow from plug-in on."""


def _occupancy(condition: str) -> str:
    """What stations' days have to be corrected by, because sessions do not end on their day.

    Sessions within a day need none, and they are most.
    """
    return f"""
        select scope, station_id, part.day, sum(sign * part.n_unknown) as n_unknown,
            sum(sign * part.occupied_s) as occupied_s, sum(sign * part.charging_s) as charging_s
        from (
            select sign, scope, station_id, started_at,
                {_DAY} as first_day, (ended_at at time zone :timezone)::date as last_day,
                extract(epoch from ended_at - started_at) as duration_s,
                coalesce(charging_duration_h::numeric * 3600, 0) as charging_s,
                {_FORGOTTEN} as is_forgotten,
                {_FORGOTTEN} or {_END_FROM_CHARGING} as is_unknown
            from ev_session_change where {condition}
        ) c
        cross join lateral (
            select first_day as day, 1 as n_unknown, -duration_s as occupied_s,
                case when is_forgotten then -charging_s else 0 end as charging_s
            where is_unknown
            union all
            select * from ({_SPLIT}) split where last_day > first_day and not is_forgotten
        ) part
        group by 1, 2, 3
    """  # noqa: S608 -- constant names


NETWORK: Final = Rollup(
    "ev_rollup_network", ("quarter_at", "currency"), _MEASURED, network_by_quarter
)
DAY: Final = Rollup("ev_rollup_day", ("day", "currency"), _MEASURED, network_by_day)
STATION: Final = Rollup(
    "ev_rollup_station", ("scope", "station_id", "day", "currency"), _MEASURED, stations_by_day
)
STATION_WHOLE: Final = Rollup(
    "ev_rollup_station_whole", ("scope", "station_id", "currency"), _MEASURED, _stations
)
USER: Final = Rollup("ev_rollup_user", ("scope", "user_id"), ("n_sessions", "energy_kwh"), _users)
CODE: Final = Rollup("ev_rollup_code", ("code",), ("n_sessions",), _codes)
OCCUPANCY: Final = Rollup(
    "ev_rollup_occupancy",
    ("scope", "station_id", "day"),
    ("n_unknown", "occupied_s", "charging_s"),
    _occupancy,
)
ROLLUPS: Final = (NETWORK, DAY, STATION, STATION_WHOLE, USER, CODE, OCCUPANCY)
"""All of them."""
