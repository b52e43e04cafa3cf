"""Quarantine knows a record by its own bytes, and beside them by the header of its file."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011"
down_revision: Final = "0010"

_KNOW_BY_OWN_BYTES: Final = """
    update ev_quarantine q
    set raw_sha256 = encode(sha256(q.raw), 'hex'), header_sha256 = encode(sha256(f.header), 'hex')
    from (
        select distinct on (w.quarantine_id) w.quarantine_id, l.header
        from ev_quarantine_sighting w
        join ev_load l using (load_id)
        join ev_quarantine e using (quarantine_id)
        where l.header is not null
        order by w.quarantine_id,
            e.raw_sha256 <> encode(sha256(l.header || '\\x0a'::bytea || e.raw), 'hex'), w.load_id
    ) f
    where f.quarantine_id = q.quarantine_id
"""
"""The header is the one that the digest covered. One load that met the entry had it, unless that
load was taken back: then the first of the others is believed."""

_JOIN_TWINS: Final = (
    """
    create temporary table twin on commit drop as
    select quarantine_id, first_id
    from (
        select quarantine_id, first_value(quarantine_id) over same as first_id,
            count(*) over (partition by scope, origin, raw_sha256, header_sha256) as n
        from ev_quarantine
        window same as (
            partition by scope, origin, raw_sha256, header_sha256 order by quarantine_id)
    ) e
    where n > 1
    """,
    """
    update ev_quarantine q
    set times_seen = j.times_seen, first_seen_at = j.first_seen_at, last_seen_at = j.last_seen_at,
        state = case when j.is_open then 'open' else q.state end,
        settled_by_load = case when j.is_open then null else q.settled_by_load end
    from (
        select t.first_id, sum(e.times_seen) as times_seen, bool_or(e.state = 'open') as is_open,
            min(e.first_seen_at) as first_seen_at, max(e.last_seen_at) as last_seen_at
        from twin t join ev_quarantine e using (quarantine_id)
        group by t.first_id
    ) j
    where j.first_id = q.quarantine_id
    """,
    """
    update ev_quarantine_sighting w set quarantine_id = t.first_id
    from twin t where t.quarantine_id = w.quarantine_id and t.first_id <> t.quarantine_id
    """,
    """
    delete from ev_quarantine q using twin t
    where t.quarantine_id = q.quarantine_id and t.first_id <> t.quarantine_id
    """,
)
"""Entries that turn out to be the same: of a row that was met by a load which was taken back, and
then again under the header that remained. They are one from now on, open as long as one was."""


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_quarantine",
        sa.Column(
            "header_sha256",
            sa.Text(),
            comment="SHA-256 of its file's header; null where the record names its fields",
        ),
    )
    op.drop_constraint("uq_ev_quarantine_scope_origin_raw_sha256", "ev_quarantine")
    op.execute(_KNOW_BY_OWN_BYTES)
    for statement in _JOIN_TWINS:
        op.execute(statement)
    op.create_unique_constraint(
        op.f("uq_ev_quarantine_scope_origin_raw_sha256_header_sha256"),
        "ev_quarantine",
        ["scope", "origin", "raw_sha256", "header_sha256"],
        postgresql_nulls_not_distinct=True,
    )
    op.alter_column(
        "ev_quarantine",
        "raw_sha256",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment="SHA-256 of the raw record",
        existing_comment="SHA-256 of the raw record, a row's with its header",
    )
