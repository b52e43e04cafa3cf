"""Quarantine knows a file's row by its header too: under another header it says something else."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final = "0006"

_KNOW_BY_HEADER: Final = """
    update ev_quarantine q
    set raw_sha256 = encode(sha256(l.header || '\\x0a'::bytea || q.raw), 'hex')
    from ev_load l
    where l.header is not null and l.load_id = (
        select min(w.load_id) from ev_quarantine_sighting w
        where w.quarantine_id = q.quarantine_id)
"""


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.alter_column(
        "ev_quarantine",
        "raw_sha256",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="SHA-256 of the raw record, a row's with its header",
        existing_comment="SHA-256 of the raw record",
    )
    op.execute(_KNOW_BY_HEADER)
