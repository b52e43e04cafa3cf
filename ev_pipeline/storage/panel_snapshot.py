"""One moment of the database, in which everything that is shown together is read.

What lives here: opening the snapshot, and what every panel says of it. What does not: any panel's
figures (`panel_sums` and the modules beside it).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.storage.rollups import READER, TAIL_OF_SNAPSHOT

_POSITION: Final = sa.text(f"""
    select r.state ->> 'timezone' as timezone, coalesce(r.seq, 0) as folded_to,
        coalesce(r.horizon, '0'::xid8)::text as horizon,
        (select version from ev_model where is_champion) as model_version
    from (values ('{READER}')) as named (reader) left join ev_reader r using (reader)
""")  # noqa: S608 -- constant names

_LAST: Final = sa.text(
    f"select coalesce(max(seq), 0) from ev_session_change where {TAIL_OF_SNAPSHOT}"  # noqa: S608 -- a constant
)
"""Apart, so that the planner knows where it begins, and does not start processes to look."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A transaction that sees one moment, and what everything read in it has in common.

    Args:
        connection: the transaction, read only.
        zone: the reporting zone, in which the rollups' days are formed.
        currency: the reporting currency.
        as_of: the change log's position, its highest number.
        model_version: the champion; null where there is none.
        horizon: below it, changes are folded.
        answers: what has been asked in it, which stays as it is.
    """

    connection: sa.Connection
    zone: ZoneInfo
    currency: str
    as_of: int
    model_version: str | None
    horizon: str
    answers: dict[tuple[str, str], list[Mapping[str, Any]]] = field(
        default_factory=dict, repr=False
    )

    def ask(self, statement: str, **given: Any) -> list[Mapping[str, Any]]:
        """The statement's rows; several panels may ask the same, and it is read once.

        Args:
            statement: SQL.
            given: its parameters beside `given`.
        """
        question = (statement, repr(given))
        if question not in self.answers:
            found = self.connection.execute(sa.text(statement), {**self.given, **given})
            self.answers[question] = [dict(row) for row in found.mappings()]
        return self.answers[question]

    @property
    def given(self) -> dict[str, str]:
        """The parameters that statements about rollups, tails and money need."""
        return {
            "timezone": str(self.zone),
            "currency": self.currency,
            "horizon": self.horizon,
        }


@contextmanager
def open_snapshot(engine: sa.Engine, settings: Settings) -> Iterator[Snapshot]:
    """The database as it is now, for as long as the context lasts.

    Yields:
        The snapshot.

    Raises:
        PipelineError: days are formed in another zone than the reporting zone.
    """
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        found = connection.execute(_POSITION).one()
        last = connection.execute(_LAST, {"horizon": found.horizon}).scalar_one()
        if found.timezone not in {None, settings.timezone}:
            raise PipelineError(
                f"days are formed in {found.timezone}, and EV_TIMEZONE is {settings.timezone}",
                mend="run `ev-pipeline migrate` to form them anew, or set EV_TIMEZONE back",
            )
        yield Snapshot(
            connection=connection,
            zone=settings.zone,
            currency=settings.currency,
            as_of=max(found.folded_to, last),
            model_version=found.model_version,
            horizon=found.horizon,
        )
