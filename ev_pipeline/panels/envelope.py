"""What every panel says beside its data, and how it becomes bytes.

What lives here: the envelope and its JSON. What does not: any panel's data.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ev_pipeline.panels.measures import number
from ev_pipeline.storage.panel_snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Content:
    """A panel without its envelope.

    Args:
        data: what it shows.
        n_sessions: stored sessions that it is made of.
        n_excluded: records in quarantine that would belong to it.
    """

    data: Any
    n_sessions: int
    n_excluded: int


def envelope(
    panel: str, content: Content, snapshot: Snapshot, generated_at: datetime
) -> dict[str, Any]:
    """The whole document of a panel.

    Args:
        panel: its name.
        content: what it shows.
        snapshot: the moment that it shows.
        generated_at: when it was made, with a zone.
    """
    return {
        "panel": panel,
        "generated_at": generated_at.astimezone(UTC),
        "as_of": snapshot.as_of,
        "timezone": str(snapshot.zone),
        "currency": snapshot.currency,
        "model_version": snapshot.model_version,
        "n_sessions": content.n_sessions,
        "n_excluded": content.n_excluded,
        "data": content.data,
    }


def encode(document: Any) -> bytes:
    """The document as JSON: days and times in ISO 8601, times in UTC."""
    text = json.dumps(
        document, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return number(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
