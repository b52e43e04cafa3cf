"""A model's users under other keys, or without some of them; what it says of others stays the same.

What lives here: taking users out of what a version has frozen, and naming them anew. What does not:
whose keys those are (`values`), and where versions are kept (`storage`).
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

import numpy as np

from ev_pipeline.domain.models import anomaly
from ev_pipeline.domain.models.anomaly import AnomalyModel
from ev_pipeline.domain.models.artifact import UnreadableModelError
from ev_pipeline.domain.models.bundle import bundle, unbundle
from ev_pipeline.domain.models.residuals import Expectations
from ev_pipeline.domain.models.values import Integers

Renamed = Mapping[int, int | None]
"""Users' keys, and the key that each is to have; null for one who is to be forgotten."""

_OF_USERS: Final = "user_"
_UNREADABLE: Final = b""
"""In place of what nobody can read, and hence nobody can take a user out of."""


def rekey_version(artifact: bytes, renamed: Renamed) -> bytes | None:
    """A version's artifact with its users renamed; null where it knows none of them.

    One that this release cannot read labels nothing, and is emptied: it may know them.
    """
    try:
        parts = unbundle(artifact)
        part = _rekeyed(parts[anomaly.KIND], renamed)
    except UnreadableModelError:
        return _emptied(artifact)
    return None if part is None else bundle({**parts, anomaly.KIND: part})


def rekey_part(artifact: bytes, renamed: Renamed) -> bytes | None:
    """The same for the part of a version that knows users."""
    try:
        return _rekeyed(artifact, renamed)
    except UnreadableModelError:
        return _emptied(artifact)


def _emptied(artifact: bytes) -> bytes | None:
    return None if artifact == _UNREADABLE else _UNREADABLE


def _rekeyed(artifact: bytes, renamed: Renamed) -> bytes | None:
    model = AnomalyModel.from_bytes(artifact)
    expectations = model.expectations
    keys = [int(key) for key in expectations.user_keys]
    if renamed.keys().isdisjoint(keys):
        return None
    after = {place: renamed.get(key, key) for place, key in enumerate(keys)}
    kept = sorted((key, place) for place, key in after.items() if key is not None)
    changed = _reordered(expectations, np.array([place for _, place in kept], dtype=np.int64))
    known = np.array([key for key, _ in kept], dtype=np.uint64)
    return replace(model, expectations=replace(changed, user_keys=known)).to_bytes()


def _reordered(expectations: Expectations, kept: Integers) -> Expectations:
    """The expectations with these users' rows in this order, and the population's last as ever."""
    rows = np.append(kept, -1)
    changed: dict[str, Any] = {}
    for field in fields(expectations):
        value = getattr(expectations, field.name)
        if field.name.startswith(_OF_USERS) and is_dataclass(value):
            parts = {part.name: getattr(value, part.name)[rows] for part in fields(value)}
            changed[field.name] = replace(value, **parts)  # type: ignore[type-var]  # an instance
    return replace(expectations, **changed)
