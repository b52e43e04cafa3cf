"""What each service in a container sees of the home: its own secrets, and nobody else's.

`init` and the operator's commands have the whole home; every service has a volume of its own with
copies of what it needs, at the paths at which a local stack has them. What lives here: which those
are. What does not: making them (`containers`), or who mounts what (`infra/compose.yaml`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.stack.credentials import DAGSTER, OWNER
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout
from ev_pipeline.stack.private_files import write_private

_AUTHORITY: Final = "certificates/ca.crt"

USER_KEY: Final = "credentials/user-ids.key"
"""The key of users' ids, where a stack makes its own; whoever loads sessions needs it."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "stream": (
            *(f"credentials/{OWNER.file}", f"credentials/{DAGSTER.file}"),
            *("credentials/stream.env", USER_KEY, ACCOUNTS_FILE, _AUTHORITY),
        ),
        "code": (
            *(f"credentials/{OWNER.file}", f"credentials/{DAGSTER.file}"),
            *("credentials/dagster.env", USER_KEY, _AUTHORITY),
        ),
        "dagster": (f"credentials/{DAGSTER.file}", _AUTHORITY),
        "simulator": ("credentials/simulator.env", _AUTHORITY),
        "nodered": ("credentials/nodered.env", "credentials/nodered-editor.env", _AUTHORITY),
    }
)
"""Files of the home by the service that has them; `dagster` is its webserver and its daemon."""

MOUNTED: Final = ("dagster", "outbox")
"""Directories over which a service mounts another volume; its own is read-only to it."""


def hand_out(layout: Layout) -> None:
    """Every service has today's copies; nothing happens in a home without containers."""
    if not layout.handed_out.is_dir():
        return
    for service, names in NEEDED.items():
        home = layout.handed_out / service
        for name in MOUNTED:
            (home / name).mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        for name in names:
            source, copy = layout.home / name, home / name
            if source.exists():  # an account comes before what is made after it
                copy.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
                write_private(copy, source.read_text())
