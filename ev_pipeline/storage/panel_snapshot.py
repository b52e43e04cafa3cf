"""One moment of the database, in which everything that is shown together is read.

What lives here: opening the snapshot, and what every panel says of it. What does not: any panel's
figures (`panel_sums` and the modules beside it).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.storage.rollups import READER, TAIL

_POSITION: Final = sa.text(f"""
    select
        (select state ->> 'timezone' from ev_reader where reader = '{READER}') as timezone,
        greatest(
            (select seq from ev_reader where reader = '{READER}'),
            (select max(seq) from ev_session_change where {TAIL}),
            0) as as_of,
        coalesce((select horizon from ev_reader where reader = '{READER}'), '0'::xid8)::text
            as horizon,
        (select version from ev_model where is_champion) as model_version
""")  # noqa: S608 -- constant names


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
    """

    connection: sa.Connection
    zone: ZoneInfo
    currency: str
    as_of: int
    model_version: str | None
    horizon: str

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
        if found.timezone not in {None, settings.timezone}:
            raise PipelineError(
                f"days are formed in {found.timezone}, and EV_TIMEZONE is {settings.timezone}",
                mend="run `ev-pipeline migrate` to form them anew, or set EV_TIMEZONE back",
            )
        yield Snapshot(
            connection=connection,
            zone=settings.zone,
            currency=settings.currency,
            as_of=int(found.as_of),
            model_version=found.model_version,
            horizon=found.horizon,
        )
