"""The ledger: what came in by which door on which day, and what became of it.

What lives here: the counts, and adding them to a day. What does not: deciding what a record counts
as (`intake`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

from ev_pipeline.storage.planned import later, planned
from ev_pipeline.storage.tables.ledger import ev_ledger


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of some records; `received` is the sum of the others.

    Args:
        stored: new in their table.
        updated: replaced a stored record.
        duplicate: stored already, with the same content.
        quarantined: refused, and kept with their reasons.
    """

    stored: int = 0
    updated: int = 0
    duplicate: int = 0
    quarantined: int = 0

    @property
    def received(self) -> int:
        """All of them."""
        return self.stored + self.updated + self.duplicate + self.quarantined

    def as_columns(self) -> dict[str, int]:
        """The counts by the names that ledger and answers use, the sum first."""
        return {"received": self.received, **asdict(self)}


_ADD: Final = planned("""
    insert into ev_ledger as l
        (day, door, source, received, stored, updated, duplicate, quarantined)
    select :day, :door, source, received, stored, updated, duplicate, quarantined
    from jsonb_populate_recordset(null::ev_ledger, cast(:came as jsonb))
    order by source
    on conflict (day, door, source) do update
    set received = l.received + excluded.received, stored = l.stored + excluded.stored,
        updated = l.updated + excluded.updated, duplicate = l.duplicate + excluded.duplicate,
        quarantined = l.quarantined + excluded.quarantined
""")


def sum_of(counts: Iterable[Counts]) -> Counts:
    """What became of all of them together."""
    return Counts(*(sum(column) for column in zip(*map(astuple, counts), strict=True)))


def add_to_ledger(
    connection: sa.Connection, *, day: date, door: str, by_source: Mapping[str, Counts]
) -> None:
    """The day's rows include the counts; nothing is written where nothing came.

    Args:
        connection: the transaction.
        day: the day, in the reporting zone.
        door: file, stream or replay.
        by_source: the counts of each mapping or account.
    """
    came = [
        {"source": source, **counts.as_columns()}
        for source, counts in by_source.items()
        if counts.received
    ]
    later(connection, _ADD, day=day, door=door, came=json.dumps(came))


def take_from_ledger(
    connection: sa.Connection, *, day: date, door: str, source: str, counts: Counts
) -> None:
    """The day's row is as if the counts had never come; an empty row goes."""
    key = {"day": day, "door": door, "source": source}
    connection.execute(
        sa.text(
            """
            update ev_ledger
            set received = received - :received, stored = stored - :stored,
                updated = updated - :updated, duplicate = duplicate - :duplicate,
                quarantined = quarantined - :quarantined
            where day = :day and door = :door and source = :source
            """
        ),
        {**key, **counts.as_columns()},
    )
    connection.execute(
        sa.text(
            """
            delete from ev_ledger
            where day = :day and door = :door and source = :source and received = 0
            """
        ),
        key,
    )


def read_totals(connection: sa.Connection) -> Counts:
    """What became of everything that ever came in, by any door."""
    sums = [sa.func.coalesce(sa.func.sum(ev_ledger.c[name]), 0) for name in asdict(Counts())]
    return Counts(*(int(total) for total in connection.execute(sa.select(*sums)).one()))


def read_epoch(connection: sa.Connection) -> str:
    """Which ledger this is: a database that was made anew or restored has another.

    Of the server, the database and the table; a copied database has the table's number too.
    """
    return str(
        connection.execute(
            sa.text(
                """
                select cast(md5(concat_ws('/', system_identifier, d.oid,
                    cast(cast('ev_ledger' as regclass) as oid))) as uuid)
                from pg_control_system(), pg_database d
                where d.datname = current_database()
                """
            )
        ).scalar_one()
    )
