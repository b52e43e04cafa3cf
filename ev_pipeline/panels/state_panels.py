"""Panels about the pipeline itself: what came in, what was refused, which model is shown.

What lives here: quality, pipeline and models. What does not: sessions (`live_panels`).
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from ev_pipeline.domain.codes import CODES
from ev_pipeline.panels.envelope import Content
from ev_pipeline.storage import panel_counts as counts
from ev_pipeline.storage.ledger import read_totals
from ev_pipeline.storage.panel_snapshot import Snapshot
from ev_pipeline.storage.panel_sums import sums_of_all
from ev_pipeline.storage.registry import ModelVersion, list_versions, read_champion

MAX_ROWS: Final = 100
"""Clients and sources listed; the rest are in sum in the ledger."""

MAX_VERSIONS: Final = 20
"""Model versions listed, the newest."""

_SEVERITIES: Final = {code.name: code.severity.value for code in CODES}


@dataclass(frozen=True, slots=True)
class StreamState:
    """What only the worker knows of itself, and no table holds.

    Args:
        in_flight: records taken and not committed.
        redelivered: messages that came again since it started.
        queue_depth: messages that wait at the broker; null where it does not say.
        lag_seconds: age of the oldest message that is not committed, else that of the last when it
            was; null before the first.
    """

    in_flight: int
    redelivered: int
    queue_depth: int | None
    lag_seconds: float | None


def build_quality(snapshot: Snapshot) -> Content:
    """What was refused and why, from whom, and what is said of what is stored."""
    n_open = counts.count_refused(snapshot)
    data = {
        "n_quarantined": n_open,
        "quarantined_by_code": _with_severity("n_records", counts.refused_by_code(snapshot)),
        "quarantined_by_origin": [
            {"origin": origin, "n_records": n}
            for origin, n in list(counts.refused_by_origin(snapshot).items())[:MAX_ROWS]
        ],
        "stored_by_code": _with_severity("n_sessions", counts.sessions_by_code(snapshot)),
        "ledger": counts.ledger_by_source(snapshot)[:MAX_ROWS],
    }
    return Content(data, sums_of_all(snapshot).n_sessions, n_open)


def _with_severity(counted: str, by_code: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "severity": _SEVERITIES.get(code), counted: n} for code, n in by_code.items()
    ]


def build_pipeline(snapshot: Snapshot, stream: StreamState | None = None) -> Content:
    """What came in, which model is shown, and how the worker is doing.

    Args:
        snapshot: the moment.
        stream: what the worker says of itself; null where it is offline.
    """
    champion = read_champion(snapshot.connection)
    data = {
        "ledger": read_totals(snapshot.connection).as_columns(),
        "champion": None if champion is None else _version(champion),
        "last_session_at": counts.last_session_at(snapshot),
        "stream": None if stream is None else asdict(stream),
    }
    return Content(data, sums_of_all(snapshot).n_sessions, counts.count_refused(snapshot))


def build_models(snapshot: Snapshot) -> Content:
    """The registry's newest versions, and the champion's parameters and measures."""
    champion = read_champion(snapshot.connection)
    versions = list_versions(snapshot.connection)
    shown = None
    if champion is not None:
        shown = {
            **_version(champion),
            "parameters": champion.parameters,
            "measures": champion.measures,
        }
    data = {
        "n_versions": len(versions),
        "champion": shown,
        "versions": [_version(version) for version in versions[:MAX_VERSIONS]],
    }
    return Content(data, sums_of_all(snapshot).n_sessions, counts.count_refused(snapshot))


def _version(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "trained_at": version.trained_at,
        "promoted_at": version.promoted_at,
        "is_champion": version.is_champion,
        "verdict": version.verdict,
        "reason": version.reason,
    }
