"""Whether the worker is there, by what it last said of itself on `ev/stream/status`.

What lives here: understanding it. What does not: reading it (`retained`), and saying it (`stream`).
"""

import json
from collections.abc import Mapping


def says_online(status: bytes | None) -> bool:
    """Whether the worker's status says that it is there; not where it never said anything."""
    if status is None:
        return False
    try:
        document = json.loads(status)
    except ValueError:
        return False
    return isinstance(document, Mapping) and document.get("state") == "online"
