"""The job for what a stream brings: many accounts' records of one operator, and no load.

What lives here: the job. What does not: taking it in (`load`), and the transaction around it.
"""

from datetime import datetime
from typing import Final

from ev_pipeline.intake.job import Job
from ev_pipeline.intake.records import HeldRecords
from ev_pipeline.settings import Settings
from ev_pipeline.sources.payloads.messages import DecodedRecords
from ev_pipeline.storage.loads import Origin

STREAM_DOOR: Final = "stream"
"""The ledger's name for what came by a broker."""


def stream_job(settings: Settings, records: DecodedRecords, received_at: datetime) -> Job:
    """How the records are taken in, by one mapping and for one operator.

    Args:
        settings: limits and the reporting zone, in which the ledger's day lies.
        records: what messages held.
        received_at: when records came that do not say so, with a zone.
    """
    origin = Origin(
        source=records.mapping.name,
        records="session",
        scope=records.scope,
        door=STREAM_DOOR,
        path="",
        mapping=records.mapping.text,
        day=received_at.astimezone(settings.zone).date(),
        received_at=received_at,
    )
    return Job(
        load_id=None,
        settings=settings,
        mapping=records.mapping,
        origin=origin,
        records=HeldRecords(records.batch),
        fingerprint=None,
    )
