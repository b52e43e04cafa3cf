"""What a sender is told of a record that was refused, and what the log says of it.

What lives here: the documents. What does not: why it was refused (`domain.rules`).
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from ev_pipeline.messaging.messages import Message
from ev_pipeline.storage.outcomes import Outcome


def rejection_of(message: Message, outcome: Outcome) -> dict[str, Any]:
    """The document for one refused record of a message; what is not known is left out.

    Args:
        message: the message that held the record.
        outcome: what became of the record.
    """
    ids = {"session_id": outcome.session_id, "source_session_id": outcome.source_session_id}
    return {
        "received_at": datetime.fromtimestamp(message.received_at_s, UTC),
        "topic": message.topic,
        "payload_sha256": hashlib.sha256(message.payload).hexdigest(),
        **_known(ids),
        "reasons": [_known(reason) for reason in outcome.reasons],
    }


def logged(account: str, rejection: dict[str, Any]) -> dict[str, Any]:
    """What the log says of it: nothing that the sender wrote, which may name somebody.

    Args:
        account: who sent it.
        rejection: what the sender is told.
    """
    return {
        "account": account,
        "session_id": rejection.get("session_id"),
        "payload_sha256": rejection["payload_sha256"],
        "reasons": [reason["code"] for reason in rejection["reasons"]],
    }


def _known(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
