"""The worker's log: one JSON object a line, without anybody's data.

What lives here: how a line looks. What does not: what is logged, and the file's size
(`ev_pipeline.stack.logs`).
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final, TextIO

FIELDS: Final = "fields"
"""The name by which a logging call gives what its line has beside the message (`extra=`)."""

_NOT_OURS: Final = "/dagster_postgres/"
"""It warns at each of six tries a minute that its database is away, which `lineage` says once."""


def log_to(stream: TextIO) -> None:
    """Everything that is logged from now on goes there, a JSON object a line."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(lambda record: _NOT_OURS not in record.pathname)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """A line's `at`, `level`, `logger` and `message`, and the fields that the call gave."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one JSON object on one line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
