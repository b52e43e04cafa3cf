"""Tables of what came in: each load, and the sums by day, door and source."""

from typing import Any, Final

import sqlalchemy as sa

from ev_pipeline.storage.tables.columns import count, document, metadata, text, time


def _ledger_counts() -> list[sa.Column[Any]]:
    return [
        count("received", "records whose effect is committed"),
        count("stored", "new in their table"),
        count("updated", "replaced a stored record"),
        count("duplicate", "already stored with the same content"),
        count("quarantined", "refused, kept with their reasons"),
    ]


_ADDS_UP: Final = "received = stored + updated + duplicate + quarantined"

ev_load: Final = sa.Table(
    "ev_load",
    metadata,
    sa.Column("load_id", sa.BigInteger(), sa.Identity(), primary_key=True),
    text("source", "name of the mapping", required=True),
    text("records", "what the file holds: session, station or site", required=True),
    text("scope", "operator whose records it holds", required=True),
    text("door", "file or replay", required=True),
    text("path", "the file as it was named", required=True),
    text("file_sha256", "SHA-256 of the file's bytes as read"),
    text("mapping", "the mapping's text, so that its records can be read again", required=True),
    sa.Column("header", sa.LargeBinary(), comment="the file's header record, as it was"),
    sa.Column("day", sa.Date(), nullable=False, comment="day of the ledger, reporting zone"),
    time("started_at", "when the load began", required=True),
    time("finished_at", "when it was committed", required=True),
    time("undone_at", "when it was taken back; null while it stands"),
    *_ledger_counts(),
    document("reasons", "quarantined records by reason code", "{}"),
    document("warnings", "stored records by warning code", "{}"),
    document("notes", "stored records by note code", "{}"),
    document("duplicates_of", "duplicates by the load that had stored the session", "{}"),
    sa.CheckConstraint(_ADDS_UP, name="adds_up"),
    comment="One row a file that was loaded, or a replay from quarantine",
)

ev_ledger: Final = sa.Table(
    "ev_ledger",
    metadata,
    sa.Column("day", sa.Date(), primary_key=True, comment="day of receipt, reporting zone"),
    sa.Column("door", sa.Text(), primary_key=True, comment="file, stream or replay"),
    sa.Column("source", sa.Text(), primary_key=True, comment="mapping or account"),
    *_ledger_counts(),
    sa.CheckConstraint(_ADDS_UP, name="adds_up"),
    sa.CheckConstraint("door in ('file', 'stream', 'replay')", name="door"),
    comment="What came in by which door, and what became of it",
)
