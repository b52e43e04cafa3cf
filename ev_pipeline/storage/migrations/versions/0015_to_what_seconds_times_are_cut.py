"""Each session knows its times' resolution: without it its power cannot be judged again."""

import tomllib
from collections import defaultdict
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final = "0014"

_FILL: Final = sa.text("""
    update ev_session set resolution_s = :resolution_s where load_id = any(:load_ids)
""")
"""What a stream brought stays as exact: which mapping read it is not known any more."""


def upgrade() -> None:
    """Bring the schema from `down_revision` to `revision`."""
    op.add_column(
        "ev_session",
        sa.Column(
            "resolution_s",
            sa.Double(),
            comment="to how many seconds its times are cut; null where they are not, s",
        ),
    )
    by_resolution: dict[float, list[int]] = defaultdict(list)
    loads = sa.text("select load_id, mapping from ev_load where records = 'session'")
    for load_id, mapping in op.get_bind().execute(loads):
        resolution_s = _resolution_s(mapping)
        if resolution_s:
            by_resolution[resolution_s].append(load_id)
    for resolution_s, load_ids in by_resolution.items():
        op.get_bind().execute(_FILL, {"resolution_s": resolution_s, "load_ids": load_ids})


def _resolution_s(mapping: str) -> float:
    return float(tomllib.loads(mapping).get("resolution_s", 0))
