"""Stations as sessions know them: read for validation, added when only a session names one.

What lives here: `ev_station` beside sessions, station clocks, and the sites that place stations.
What does not: what registries say (`station_registries`), and who told a zone (`station_zones`).
"""

from datetime import datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.bulk import copy_frame
from ev_pipeline.storage.corrections import CODE_NAMES, QUALITY, correction, in_order
from ev_pipeline.storage.loads import own_ground, own_stations
from ev_pipeline.storage.planned import planned
from ev_pipeline.storage.station_zones import HAS_TOLD_ZONE, keep_told_by_sessions

WEEKDAY_MISMATCH: Final = "weekday_mismatch"
"""The one code that depends on the station's clock."""

STATION_SCHEMA: Final = {
    "station_id": pl.String(),
    "is_registered": pl.Boolean(),
    "power_kw": pl.Float64(),
    "time_zone": pl.String(),
    "has_told_zone": pl.Boolean(),
}
"""What validation and clocks need to know of a station, and whether the same load (or the stream)
has told its zone before."""

NAMED_SCHEMA: Final = {
    "station_id": pl.String(),
    "name": pl.String(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
    "time_zone": pl.String(),
}
"""What session records tell of their station."""

SITE_KEY: Final = "regexp_replace(lower({name}), '[^[:alnum:]]', '', 'g')"
"""A site's name in small letters and digits: registries write the same place differently."""

_ALL: Final = f"""
    select s.station_id, s.is_registered, s.power_kw, s.time_zone, {HAS_TOLD_ZONE}
    from ev_station s where s.scope = :scope
"""  # noqa: S608 -- constant fragment
_READ_ALL: Final = planned(_ALL)
_READ_THESE: Final = planned(f"{_ALL} and s.station_id = any(cast(:station_ids as text[]))")

_ADD: Final = sa.text("""
    insert into ev_station
        (scope, station_id, is_registered, name, latitude, longitude, time_zone, source,
         updated_at)
    select :scope, n.station_id, false, n.name, n.latitude, n.longitude, n.time_zone, :source,
        cast(:seen_at as timestamptz)
    from named_station n
    where exists (
        select from ev_session s where s.scope = :scope and s.station_id = n.station_id)
    order by n.station_id
    on conflict (scope, station_id) do nothing
""")

_GIVE_ZONES: Final = sa.text("""
    with zoneless as materialized (
        select t.station_id, n.time_zone
        from ev_station t join named_station n using (station_id)
        where t.scope = :scope and t.time_zone is null and n.time_zone is not null
            and exists (
                select from ev_session s
                where s.scope = t.scope and s.station_id = t.station_id)
        order by t.station_id
        for update of t
    )
    update ev_station t
    set time_zone = z.time_zone
    from zoneless z
    where t.scope = :scope and t.station_id = z.station_id
    returning t.station_id
""")
"""A registry may know a station without its zone. "On conflict" would lock every station."""

_PLACE: Final = sa.text(f"""
    update ev_station t
    set latitude = s.latitude, longitude = s.longitude, site_key = s.site_key
    from ev_site s
    where t.scope = :scope and s.scope = t.scope
        and s.site_key = {SITE_KEY.format(name="t.name")}
        and (t.site_key is not null or t.latitude is null and t.longitude is null)
        and (t.latitude, t.longitude, t.site_key)
            is distinct from (s.latitude, s.longitude, s.site_key)
""")  # noqa: S608 -- constant fragment

_DISPLACE: Final = sa.text("""
    update ev_station t
    set latitude = null, longitude = null, site_key = null
    where t.scope = :scope and t.site_key is not null and not exists (
        select from ev_site s where s.scope = t.scope and s.site_key = t.site_key)
""")


def _correct_clocks(where: str) -> sa.TextClause:
    mismatched = in_order(f"""
        select unnest(array_remove(s.quality_codes, '{WEEKDAY_MISMATCH}')) as code
        union all
        select '{WEEKDAY_MISMATCH}' where s.stated_weekday <> extract(isodow from clock.local_at)
    """)  # noqa: S608 -- constant names
    return correction(
        f"""
        select s.*, clock.local_at,
            case when s.stated_weekday is null then s.quality_codes else {mismatched} end as codes
        from ev_station t
        join ev_session s using (scope, station_id)
        cross join lateral (
            select s.started_at at time zone coalesce(t.time_zone, :timezone) as local_at) clock
        where {where} and s.started_local_at <> clock.local_at
        order by s.session_id
        for update of s
        """,  # noqa: S608 -- constant conditions
        f"started_local_at = o.local_at, {QUALITY}",
    )


_CORRECT_CLOCKS: Final = _correct_clocks("t.scope = :scope and t.station_id = any(:station_ids)")
_CORRECT_CLOCKS_WITHOUT_ZONE: Final = _correct_clocks("t.time_zone is null")


_HAS_OTHER_CLOCK: Final = sa.text("""
    select exists (
        select from ev_session s join ev_station t using (scope, station_id)
        where t.time_zone is null and s.started_local_at <> s.started_at at time zone :timezone)
""")


def read_stations(
    connection: sa.Connection, scope: str, station_ids: list[str] | None, load_id: int | None
) -> pl.DataFrame:
    """What is stored of the operator's stations (null: of all), as `STATION_SCHEMA`.

    Args:
        connection: the load's transaction.
        scope: the operator.
        station_ids: the stations.
        load_id: the load that asks; null for the stream.
    """
    asked: dict[str, Any] = {"scope": scope, "load_id": load_id}
    if station_ids is None:
        rows = connection.execute(_READ_ALL, asked)
    else:
        rows = connection.execute(_READ_THESE, {**asked, "station_ids": station_ids})
    return pl.DataFrame([*map(tuple, rows)], schema=STATION_SCHEMA, orient="row")


def add_unregistered(
    connection: sa.Connection,
    named: pl.DataFrame,
    *,
    scope: str,
    source: str,
    load_id: int | None,
    seen_at: datetime,
) -> list[str]:
    """Every station that a stored session names has a row, and a zone where its records have one.

    The last thing that a load does: the stream may wait for a station that both add, and then
    waits for a commit, not for a load.

    Args:
        connection: the load's transaction, its sessions written.
        named: the file's stations as `NAMED_SCHEMA`, one row each.
        scope: the operator.
        source: name of the mapping.
        load_id: the load; null for the stream.
        seen_at: when the records were received.

    Returns:
        Stations that were known and have got their zone only now.
    """
    copy_frame(connection, "named_station", named)
    connection.execute(_ADD, {"scope": scope, "source": source, "seen_at": seen_at})
    keep_told_by_sessions(connection, scope=scope, load_id=load_id)
    zoned = list(connection.execute(_GIVE_ZONES, {"scope": scope}).scalars())
    place_stations(connection, scope)
    return zoned


def remove_nameless(connection: sa.Connection, scope: str) -> None:
    """No unregistered station is left that no session names."""
    connection.execute(
        sa.text(
            """
            delete from ev_station t
            where t.scope = :scope and not t.is_registered and not exists (
                select from ev_session s
                where s.scope = t.scope and s.station_id = t.station_id)
            """
        ),
        {"scope": scope},
    )


def place_stations(connection: sa.Connection, scope: str) -> None:
    """Stations without coordinates of their own stand where the site with their name is."""
    connection.execute(_PLACE, {"scope": scope})
    connection.execute(_DISPLACE, {"scope": scope})


def correct_clocks(
    connection: sa.Connection, station_ids: list[str], *, scope: str, timezone: str
) -> None:
    """The stations' sessions start by their station's clock; those that did not are corrections.

    The weekday that a source names is held against the new start.

    Args:
        connection: the transaction.
        station_ids: the stations whose zone may have changed.
        scope: the operator.
        timezone: the zone of stations without one.
    """
    names = {"scope": scope, "station_ids": station_ids, "timezone": timezone}
    connection.execute(_CORRECT_CLOCKS, {**names, **CODE_NAMES})


def follow_reporting_zone(engine: sa.Engine, settings: Settings) -> int:
    """Sessions at stations without a zone start by the reporting zone's clock.

    What is stored tells whether they do; nothing is locked where all of them do.

    Returns:
        How many did not and are corrected.
    """
    names = {"timezone": settings.timezone, **CODE_NAMES}
    with engine.connect() as connection:
        if not connection.scalar(_HAS_OTHER_CLOCK, {"timezone": settings.timezone}):
            return 0
    with engine.begin() as connection:
        own_ground(connection)
        own_stations(connection)
        changes: int = connection.execute(_CORRECT_CLOCKS_WITHOUT_ZONE, names).rowcount
    return changes // 2
