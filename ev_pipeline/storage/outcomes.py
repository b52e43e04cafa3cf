"""What became of each record, while the transaction that took it in has not ended.

What lives here: reading the staging tables once everything is decided. What does not: deciding
(`decisions`), and counts of it all (`tallies`).
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl
import sqlalchemy as sa

from ev_pipeline.storage.overlaps import OVERLAP
from ev_pipeline.storage.planned import planned

Decision = Literal["stored", "updated", "duplicate", "quarantined"]
"""The ledger's words for what becomes of a record."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record.

    Args:
        ordinal: its number among the records of the job, from 0.
        session_id: our id; null where none can be formed.
        source_session_id: the source's own id; null for an unfinished session that is known.
        decision: the ledger's word for it.
        revision: the revision that it is stored as; null where it is not, or where a later
            record of the same job has replaced it.
        reasons: why it was refused: `code`, `field`, `value` and `message` of each reason.
        warnings: what it is flagged with.
        notes: what is recorded with it.
    """

    ordinal: int
    session_id: str | None
    source_session_id: str | None
    decision: Decision
    revision: int | None
    reasons: list[dict[str, Any]]
    warnings: list[str]
    notes: list[str]


_OUTCOMES: Final = planned(f"""
    select i.ordinal, i.session_id::text, i.source_session_id,
        coalesce(d.decision, 'stored') as decision, l.revision, cast('[]' as jsonb) as reasons,
        case when o.ordinal is null then i.warnings else i.warnings || '{{{OVERLAP}}}' end
            as warnings,
        i.notes
    from incoming i
    left join decided d using (ordinal)
    left join landing l on l.session_id = i.session_id and l.ordinal = i.ordinal
    left join (select distinct ordinal from overlapping) o on o.ordinal = i.ordinal
    where d.decision is distinct from 'conflict'
    union all
    select ordinal, session_id::text, null, 'duplicate', null, '[]', '{{}}', '{{}}' from finished
    union all
    select ordinal, session_id::text, source_session_id, 'quarantined', null, reasons, '{{}}',
        '{{}}'
    from refused
    order by ordinal
""")  # noqa: S608 -- constant fragment


def read_outcomes(connection: sa.Connection) -> list[Outcome]:
    """What became of every record of the job, in the order in which they came.

    Args:
        connection: the transaction in which `intake.load.take_in` took sessions in; to be asked
            before it ends.
    """
    return [Outcome(*row) for row in connection.execute(_OUTCOMES)]


def outcomes_of(plain: pl.DataFrame) -> list[Outcome]:
    """The same of `Tally.plain`, without reading it."""
    columns = ("ordinal", "session_id", "source_session_id", "warnings", "notes")
    return [
        Outcome(ordinal, session_id, own_id, "stored", 1, [], warnings, notes)
        for ordinal, session_id, own_id, warnings, notes in zip(
            *(plain[name].to_list() for name in columns), strict=True
        )
    ]
