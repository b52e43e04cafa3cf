"""What Alembic runs: the migrations over the caller's connection, else over the settings'.

What lives here: Alembic's wiring. What does not: tables (`tables`) and versions (`versions`).
"""

from typing import Any, Final

import sqlalchemy as sa
from alembic import context
from sqlalchemy.dialects.postgresql.base import ischema_names

from ev_pipeline.settings import load_settings
from ev_pipeline.storage.engine import connect
from ev_pipeline.storage.tables.columns import Xid8
from ev_pipeline.storage.tables.schema import SCHEMA

LABEL_PARTITIONS: Final = "ev_session_label_"
"""How the partitions of labels are called: made at promotion, not by a migration."""


def _is_ours(_: Any, name: str | None, kind: str, is_reflected: bool, __: Any) -> bool:  # noqa: FBT001 -- Alembic calls it so
    is_partition = kind == "table" and is_reflected and (name or "").startswith(LABEL_PARTITIONS)
    return not is_partition


def _run(connection: sa.Connection) -> None:
    ischema_names["xid8"] = Xid8
    context.configure(
        connection=connection,
        target_metadata=SCHEMA,
        compare_server_default=True,
        include_object=_is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


given: sa.Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with connect(load_settings()).begin() as own:
        _run(own)
