"""Registry rows as if a load had never been: what it replaced comes back, what it brought goes.

What lives here: taking back what `station_registries` wrote. What does not: what follows from it
for sessions and stations (`stations`), and the order of it all (`ev_pipeline.intake.undo`).
"""

from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.station_registries import Registry

_RELEASE: Final = sa.text("""
    update ev_station t
    set is_registered = false, name = null, latitude = null, longitude = null,
        power_kw = null, connectors = null, district = null, municipality = null,
        parish = null, address = null, site_key = null, load_id = null
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

    Their zone is settled by `station_zones`.

    Returns:
        Their ids.
    """
    return list(connection.execute(_RELEASE, {"scope": scope, "load_id": load_id}).scalars())


def take_back_registry(
    connection: sa.Connection, registry: Registry, *, scope: str, load_id: int
) -> list[str]:
    """Rows are as if the load had never been.

    Returns:
        The keys of rows that were put back or lost their registry's word.
    """
    names = {"scope": scope, "load_id": load_id}
    for statement in _forget(registry):
        connection.execute(statement, names)
    keys: list[str] = []
    for statement in _restore(registry):
        keys += connection.execute(statement, names).scalars()
    return keys


def _forget(registry: Registry) -> tuple[sa.TextClause, ...]:
    """Where another load has replaced the row since, it replaced what was there before."""
    history, key, whole = registry.history, registry.key, registry.whole
    return (
        sa.text(
            f"""
            create temp table forgotten on commit drop as
            select {key} as key, replaced_by_load from {history}
            where scope = :scope and ({whole} ->> 'load_id')::bigint = :load_id
            """  # noqa: S608 -- constant names
        ),
        sa.text(
            f"""
            delete from {history}
            where scope = :scope and ({whole} ->> 'load_id')::bigint = :load_id
            """  # noqa: S608 -- constant names
        ),
        sa.text(
            f"""
            update {history} h set replaced_by_load = f.replaced_by_load
            from forgotten f
            where h.scope = :scope and h.{key} = f.key and h.replaced_by_load = :load_id
            """  # noqa: S608 -- constant names
        ),
    )


def _restore(registry: Registry) -> tuple[sa.TextClause, ...]:
    table, history, key, whole = registry.table, registry.history, registry.key, registry.whole
    return (
        # rows that nobody had before the load
        sa.text(
            f"""
            delete from {table} t
            where t.scope = :scope and t.load_id = :load_id and not exists (
                select from {history} h
                where h.scope = t.scope and h.{key} = t.{key} and h.replaced_by_load = :load_id)
            returning t.{key}
            """  # noqa: S608 -- constant names
        ),
        sa.text(
            f"""
            delete from {table} t
            using {history} h
            where t.scope = :scope and t.load_id = :load_id and h.scope = t.scope
                and h.{key} = t.{key} and h.replaced_by_load = :load_id
            returning t.{key}
            """  # noqa: S608 -- constant names
        ),
        sa.text(
            f"""
            with put_back as (
                delete from {history} where scope = :scope and replaced_by_load = :load_id
                returning {whole}
            )
            insert into {table}
            select r.* from put_back
            cross join lateral jsonb_populate_record(null::{table}, put_back.{whole}) r
            returning {key}
            """  # noqa: S608 -- constant names
        ),
    )
