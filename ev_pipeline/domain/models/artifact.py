"""Artifacts: named arrays and a JSON description in one npz file, without pickle.

What lives here: packing to bytes that are the same for the same content, and unpacking.
What does not: which arrays a model has (each model), where artifacts are kept (`storage`).
"""

import json
import zipfile
from io import BytesIO
from typing import Any, Final

import numpy as np

from ev_pipeline.domain.errors import PipelineError

Arrays = dict[str, np.ndarray[Any, Any]]

_METADATA: Final = "metadata"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can carry: a clock's would change the bytes."""

_FORMAT_VERSION: Final = 3


class UnreadableModelError(PipelineError):
    """A stored model that this release cannot read: made by another, or changed since."""


def pack(kind: str, arrays: Arrays, metadata: dict[str, Any] | None = None) -> bytes:
    """Bytes that depend on nothing but the content.

    Args:
        kind: what the artifact is, checked by `unpack`.
        arrays: numeric arrays by name.
        metadata: what JSON can hold, beside them.
    """
    description = {"kind": kind, "format": _FORMAT_VERSION, **(metadata or {})}
    text = json.dumps(description, sort_keys=True, allow_nan=False).encode()
    members = {**arrays, _METADATA: np.frombuffer(text, dtype=np.uint8)}
    file = BytesIO()
    # Stored, not deflated: compressed bytes differ between builds of zlib.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            with archive.open(entry, "w") as member:
                array = np.ascontiguousarray(members[name])
                np.lib.format.write_array(member, array, allow_pickle=False)
    return file.getvalue()


def unpack(kind: str, artifact: bytes) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and metadata that `pack` was given.

    Raises:
        UnreadableModelError: these bytes are no artifact of this kind and format.
    """
    try:
        with np.load(BytesIO(artifact), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        metadata = json.loads(arrays.pop(_METADATA).tobytes())
        found = (metadata["kind"], metadata["format"])
    except (ValueError, KeyError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise _unreadable(f"it cannot be read as {kind}: {error}") from error
    if found != (kind, _FORMAT_VERSION):
        raise _unreadable(f"it is {found[0]} of format {found[1]}, not {kind} of {_FORMAT_VERSION}")
    return arrays, metadata


def _unreadable(reason: str) -> UnreadableModelError:
    return UnreadableModelError(
        f"the model's artifact is not what it should be: {reason}",
        mend="train a new model with `ev-pipeline run retrain`, or restore the table from a backup",
    )
