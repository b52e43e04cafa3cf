"""What was staged takes the place of what a home holds, or the home is as it was.

What lives here: that exchange, and taking back one that was interrupted. What does not: what is
staged, and when (`restore`).
"""

from typing import Final

from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.private_files import write_private

REPLACED: Final = "replaced"
"""Where what a home held is put while the backup takes its place; then it is removed."""

TAKING_PLACE: Final = (
    *("postgres", "mosquitto", "credentials", "certificates"),
    *(ACCOUNTS_FILE, "stack.env"),
)
"""What a home has of a backup; logs, Dagster's folder and the dashboard's stay as they are."""


def take_place(staging: Layout, layout: Layout) -> None:
    """What was staged is the home's, and what the home held is in the staging's `REPLACED`.

    Whoever is killed in between leaves a mark, by which `up` knows, and the next restore puts back
    what was there.
    """
    replaced = staging.home / REPLACED
    replaced.mkdir()
    moving = _moving(layout)
    held = [name for name in moving if (layout.home / name).exists()]
    write_private(layout.restore_mark, "".join(f"{name}\n" for name in held))
    try:
        for name in moving:
            if name in held:
                (layout.home / name).rename(replaced / name)
            if (staging.home / name).exists():
                (staging.home / name).rename(layout.home / name)
    except BaseException:
        put_back(staging, layout)
        raise
    layout.restore_mark.unlink()


def put_back(staging: Layout, layout: Layout) -> None:
    """The home holds what it held before an exchange that did not end; else nothing happens."""
    replaced = staging.home / REPLACED
    if not (layout.restore_mark.exists() and replaced.is_dir()):
        return
    held = layout.restore_mark.read_text().splitlines()
    for name in _moving(layout):
        place, former = layout.home / name, replaced / name
        if place.exists() and (former.exists() or name not in held):
            place.rename(staging.home / name)
        if former.exists():
            former.rename(place)
    layout.restore_mark.unlink()


def _moving(layout: Layout) -> list[str]:
    """In containers the broker's directory is a volume, which stays where it is mounted."""
    is_volume = layout.handed_out.is_dir()
    return [name for name in TAKING_PLACE if not (is_volume and name == layout.mosquitto.name)]
