"""Registries of stations and of sites: what they say replaces what an earlier one said.

What lives here: deciding and writing registry rows, the same way for both. What does not: taking
them back (`station_registries_undo`), and stations that only sessions name (`stations`).

Within a file the first row of a key wins; a later one repeats or contradicts it. Across files a
row with other content replaces the stored one, which is kept in the history.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.stations import SITE_KEY


@dataclass(frozen=True, slots=True)
class Registry:
    """A table that registries fill.

    Args:
        table: the table.
        key: what names a row within its scope.
        key_form: how the key is made of what the registry writes, `key`.
        history: where replaced rows go.
        whole: the history's column with the whole row.
        says: the columns that a registry fills.
        keeps: those of them that a silent registry leaves as they are.
        is_known: a condition on the stored row `t`: a registry has spoken of it before.
        marks: the columns that are set beside, and their values.
    """

    table: str
    key: str
    key_form: str
    history: str
    whole: str
    says: tuple[str, ...]
    keeps: tuple[str, ...]
    is_known: str
    marks: dict[str, str]


STATIONS: Final = Registry(
    table="ev_station",
    key="station_id",
    key_form="key",
    history="ev_station_history",
    whole="station",
    says=(
        "name",
        "latitude",
        "longitude",
        "power_kw",
        "connectors",
        "time_zone",
        "district",
        "municipality",
        "parish",
        "address",
    ),
    keeps=("time_zone",),
    is_known="t.is_registered",
    marks={
        "is_registered": "true",
        "site_key": "null",
        "updated_at": "cast(:received_at as timestamptz)",
    },
)

SITES: Final = Registry(
    table="ev_site",
    key="site_key",
    key_form=SITE_KEY.format(name="key"),
    history="ev_site_history",
    whole="site",
    says=("name", "latitude", "longitude", "address"),
    keeps=(),
    is_known="true",
    marks={},
)


def create_registry_staging(connection: sa.Connection, registry: Registry) -> None:
    """The transaction has empty tables for a registry's rows and what is decided of them."""
    says = ", ".join(registry.says)
    connection.execute(
        sa.text(
            f"""
            create temp table incoming_registry on commit drop as
            select 0::bigint as ordinal, {registry.key} as key, {says}
            from {registry.table} with no data
            """  # noqa: S608 -- constant names
        )
    )
    connection.execute(
        sa.text(
            "create temp table decided_registry"
            " (ordinal bigint, key text, decision text, met_load bigint) on commit drop"
        )
    )


def decide_registry(connection: sa.Connection, registry: Registry, *, scope: str) -> None:
    """Every row of the file is decided: stored, updated, duplicate or conflict."""
    connection.execute(sa.text(f"update incoming_registry set key = {registry.key_form}"))  # noqa: S608 -- constant expression
    connection.execute(sa.text("analyze incoming_registry"))

    def same_as(other: str) -> str:
        return " and ".join(
            f"(r.{name} is null or r.{name} = {other}.{name})" for name in registry.says
        )

    connection.execute(
        sa.text(
            f"""
            insert into decided_registry (ordinal, key, decision, met_load)
            select r.ordinal, r.key,
                case
                    when r.ordinal <> f.ordinal and {same_as("f")} then 'duplicate'
                    when r.ordinal <> f.ordinal then 'conflict'
                    when t.{registry.key} is null or not {registry.is_known} then 'stored'
                    when {same_as("t")} then 'duplicate'
                    else 'updated'
                end,
                case when r.ordinal = f.ordinal then t.load_id end
            from incoming_registry r
            join (select distinct on (key) * from incoming_registry order by key, ordinal) f
                using (key)
            left join {registry.table} t on t.scope = :scope and t.{registry.key} = r.key
            """  # noqa: S608 -- constant names
        ),
        {"scope": scope},
    )


def conflicting_rows(connection: sa.Connection) -> list[int]:
    """The numbers of the rows that contradict an earlier one of the same file."""
    query = sa.text("select ordinal from decided_registry where decision = 'conflict'")
    return list(connection.execute(query).scalars())


def write_registry(
    connection: sa.Connection,
    registry: Registry,
    *,
    scope: str,
    source: str,
    load_id: int | None,
    received_at: datetime,
) -> list[str]:
    """What was decided is written.

    Returns:
        The keys of the rows that were written.
    """
    origin = {"scope": scope, "source": source, "load_id": load_id, "received_at": received_at}
    connection.execute(_keep_replaced(registry), origin)
    return list(connection.execute(_write(registry), origin).scalars())


def _keep_replaced(registry: Registry) -> sa.TextClause:
    return sa.text(
        f"""
        insert into {registry.history}
            (scope, {registry.key}, replaced_by_load, {registry.whole})
        select t.scope, t.{registry.key}, :load_id, to_jsonb(t)
        from {registry.table} t
        where t.scope = :scope and t.{registry.key} in (
            select key from decided_registry where decision in ('stored', 'updated'))
        """  # noqa: S608 -- constant names
    )


def _write(registry: Registry) -> sa.TextClause:
    columns = ["source", "load_id", *registry.says, *registry.marks]
    values = [":source", ":load_id", *(f"r.{name}" for name in registry.says)]
    values += registry.marks.values()

    def new_value(name: str) -> str:
        if name not in registry.says:
            return f"excluded.{name}"
        if name in registry.keeps:
            return f"coalesce(excluded.{name}, t.{name})"
        return (
            f"case when {registry.is_known} then excluded.{name}"
            f" else coalesce(excluded.{name}, t.{name}) end"
        )

    return sa.text(
        f"""
        insert into {registry.table} as t (scope, {registry.key}, {", ".join(columns)})
        select :scope, r.key, {", ".join(values)}
        from decided_registry d join incoming_registry r using (ordinal)
        where d.decision in ('stored', 'updated')
        order by r.key
        on conflict (scope, {registry.key}) do update
        set {", ".join(f"{name} = {new_value(name)}" for name in columns)}
        returning t.{registry.key}
        """  # noqa: S608 -- constant names
    )
