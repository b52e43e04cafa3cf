"""Every topic, once, as contracts have them.

What lives here: names and how they are taken apart. What does not: who may use them (`access`).
"""

import re
from typing import Final

ACCOUNT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""An account's name is one level of a topic and a file's name: nothing in it means anything."""

PROGRESS: Final = "ev/stream/progress"
"""Retained: the ledger's sums and the change log's position."""

STATUS: Final = "ev/stream/status"
"""Retained: whether the worker is there; its last will."""

ALERTS: Final = "ev/alerts"
"""Drift, anomalies and faults."""

LIVE_PANEL: Final = "live"
"""The one panel that nobody but the worker publishes."""

STREAM_PANELS: Final = (
    "summary",
    "trend_daily",
    "trend_weekly",
    "time_of_day",
    "cost",
    "quality",
    LIVE_PANEL,
    "pipeline",
)
"""Panels that the worker keeps current; while it is offline, the publishing op sends them too."""

OPERATION_PANELS: Final = ("users", "stations", "clusters", "anomalies", "models")
"""Panels that only the publishing op sends."""

EVERY_SESSION: Final = "ev/sessions/+"
EVERY_PREDICT_REQUEST: Final = "ev/predict/request/+"
EVERY_PERIOD_REQUEST: Final = "ev/dashboard/request/+"
EVERY_PANEL: Final = "ev/dashboard/+"
EVERY_REJECTION: Final = "ev/rejections/+"
EVERY_ANSWER: Final = "ev/answers/#"
BROKER_FIGURES: Final = "$SYS/broker/#"


def sessions(account: str) -> str:
    """Where an account reports sessions."""
    return f"ev/sessions/{account}"


def rejections(account: str) -> str:
    """Where an account is told which of its messages were refused, and why."""
    return f"ev/rejections/{account}"


def panel(name: str) -> str:
    """Where a panel is published, retained."""
    return f"ev/dashboard/{name}"


def period_requests(account: str) -> str:
    """Where an account asks for a period report."""
    return f"ev/dashboard/request/{account}"


def predict_requests(account: str) -> str:
    """Where an account asks for a session's labels."""
    return f"ev/predict/request/{account}"


def answers(account: str) -> str:
    """The pattern of every topic on which an account may be answered."""
    return f"ev/answers/{account}/#"


def is_answer_of(topic: str, account: str) -> bool:
    """Whether the account may be answered on the topic, which holds no wildcard."""
    prefix = answers(account).removesuffix("#")
    return topic.startswith(prefix) and topic != prefix and not set(topic) & set("+#\0")


def account_of(topic: str) -> str:
    """The account that a session, a rejection or a request belongs to: the topic's last level.

    The broker lets an account write only topics that end in its own name.
    """
    return topic.rpartition("/")[2]
