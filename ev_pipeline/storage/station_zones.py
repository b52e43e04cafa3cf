"""A station's time zone when one who told it is taken back: it is what the others tell.

What lives here: zones after an undo. What does not: giving zones (`stations` for what session
records tell, `station_registries`), and sessions' clocks (`stations`).

A registry's zone stands before that of session records. Of those the first load that tells one is
believed, by its mapping; of a zone that single rows tell, and of the stream's, nothing is kept but
the zone itself.
"""

from typing import Final

import sqlalchemy as sa

_RETELL: Final = sa.text("""
    with told as (
        select t.station_id,
            coalesce(
                t.registered_zone,
                (
                    select l.zone
                    from ev_session s join ev_load l using (load_id)
                    where s.scope = t.scope and s.station_id = t.station_id and l.zone is not null
                    order by l.load_id
                    limit 1
                ),
                case when exists (
                    select from ev_session s left join ev_load l using (load_id)
                    where s.scope = t.scope and s.station_id = t.station_id and l.load_id is null)
                then t.time_zone end
            ) as time_zone
        from ev_station t
        where t.scope = :scope and t.station_id = any(:station_ids)
    )
    update ev_station t
    set time_zone = told.time_zone
    from told
    where t.scope = :scope and t.station_id = told.station_id
        and t.time_zone is distinct from told.time_zone
""")

_RELEASE: Final = sa.text("""
    update ev_station t
    set is_registered = false, name = null, latitude = null, longitude = null,
        power_kw = null, connectors = null, time_zone = null, registered_zone = null,
        district = null, municipality = null, parish = null, address = null, site_key = null,
        load_id = null
    where t.scope = :scope and t.load_id = :load_id
        and not exists (
            select from ev_station_history h
            where h.scope = t.scope and h.station_id = t.station_id
                and h.replaced_by_load = :load_id)
        and exists (
            select from ev_session s
            where s.scope = t.scope and s.station_id = t.station_id)
    returning t.station_id
""")


def release_named(connection: sa.Connection, *, scope: str, load_id: int) -> list[str]:
    """Stations that only this registry load named, and that sessions name, are unregistered again.

    Returns:
        Their ids.
    """
    return list(connection.execute(_RELEASE, {"scope": scope, "load_id": load_id}).scalars())


def retell_zones(connection: sa.Connection, station_ids: list[str], *, scope: str) -> None:
    """The stations have the zones that are told by what is there now.

    Args:
        connection: the transaction, what is taken back being gone.
        station_ids: stations that lost a registry's word or sessions.
        scope: the operator.
    """
    connection.execute(_RETELL, {"scope": scope, "station_ids": station_ids})
