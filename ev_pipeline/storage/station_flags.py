"""What stored sessions are told of their station follows the registry.

What lives here: finding the sessions of which a registry may have something else to say by now, and
correcting them. What does not: the rules (`domain.station_codes`), and clocks (`stations`).
"""

from typing import Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.domain.station_codes import (
    POWER_OVER_RATING,
    STATION_UNREGISTERED,
    judge_stations,
)
from ev_pipeline.settings import Limits
from ev_pipeline.storage.corrections import CODE_NAMES, QUALITY, correction, in_order

_SCHEMA: Final = {
    "session_id": pl.String(),
    "station_id": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "energy_kwh": pl.Float64(),
    "charging_duration_h": pl.Float64(),
    "max_power_kw": pl.Float64(),
    "received_at": pl.Datetime("us", "UTC"),
    "resolution_s": pl.Float64(),
    "was_over_rating": pl.Boolean(),
    "was_unregistered": pl.Boolean(),
}

_BEFORE_ROUNDING: Final = 0.999
"""Of the limit: the database's arithmetic only chooses whom the rule is asked about."""

_NO_TIME_H: Final = 1e-290
"""No stored energy over this is more than a double can hold."""

_DOUBTFUL: Final = sa.text(f"""
    select s.session_id::text, s.station_id, s.started_at, s.ended_at, s.energy_kwh,
        s.charging_duration_h, s.max_power_kw, s.received_at, coalesce(s.resolution_s, 0),
        '{POWER_OVER_RATING}' = any(s.quality_codes),
        '{STATION_UNREGISTERED}' = any(s.quality_codes)
    from ev_station t
    join ev_session s using (scope, station_id)
    where t.scope = :scope and t.station_id = any(:station_ids) and (
        '{POWER_OVER_RATING}' = any(s.quality_codes)
        or t.is_registered = ('{STATION_UNREGISTERED}' = any(s.quality_codes))
        or t.is_registered and t.power_kw > 0 and greatest(s.max_power_kw, s.energy_kwh / case
            when s.charging_duration_h > 0 then greatest(s.charging_duration_h, {_NO_TIME_H})
            else extract(epoch from s.ended_at - s.started_at)::float8 / 3600 end)
            > t.power_kw * :tolerance * {_BEFORE_ROUNDING})
    order by s.session_id
    for update of s
""")  # noqa: S608 -- constant names

_RATINGS: Final = sa.text("""
    select station_id, is_registered, power_kw from ev_station
    where scope = :scope and station_id = any(:station_ids)
""")

_CODES: Final = in_order(f"""
    select unnest(array_remove(array_remove(
        s.quality_codes, '{POWER_OVER_RATING}'), '{STATION_UNREGISTERED}')) as code
    union all select '{POWER_OVER_RATING}' where j.is_over_rating
    union all select '{STATION_UNREGISTERED}' where j.is_unregistered
""")

_CORRECT: Final = correction(
    f"""
    select s.*, {_CODES} as codes
    from unnest(cast(:session_ids as uuid[]), cast(:is_over_rating as bool[]),
        cast(:is_unregistered as bool[])) j (session_id, is_over_rating, is_unregistered)
    join ev_session s using (session_id)
    order by s.session_id
    for update of s
    """,  # noqa: S608 -- constant names
    QUALITY,
)


def correct_flags(
    connection: sa.Connection, station_ids: list[str], *, scope: str, limits: Limits
) -> None:
    """The stations' sessions are flagged by what is registered of their station now.

    Args:
        connection: the transaction; it keeps the stream and loads from writing sessions.
        station_ids: the stations of which a registry says something else than before.
        scope: the operator.
        limits: the limits in force.
    """
    names = {"scope": scope, "station_ids": station_ids}
    doubtful = connection.execute(_DOUBTFUL, {**names, "tolerance": limits.rating_tolerance}).all()
    if not doubtful:
        return
    stations = pl.DataFrame(
        [tuple(row) for row in connection.execute(_RATINGS, names)],
        schema={"station_id": pl.String, "is_registered": pl.Boolean, "power_kw": pl.Float64},
        orient="row",
    )
    sessions = pl.DataFrame([tuple(row) for row in doubtful], schema=_SCHEMA, orient="row")
    wrong = judge_stations(sessions, stations=stations, limits=limits).filter(
        (pl.col("is_over_rating") != pl.col("was_over_rating"))
        | (pl.col("is_unregistered") != pl.col("was_unregistered"))
    )
    columns = {
        "session_ids": "session_id",
        "is_over_rating": "is_over_rating",
        "is_unregistered": "is_unregistered",
    }
    told = {name: wrong[column].to_list() for name, column in columns.items()}
    connection.execute(_CORRECT, {**told, **CODE_NAMES})
