"""The secret by which users' ids are hashed: made once, kept, never shown.

What lives here: the file. What does not: what is hashed by it (`domain.pseudonyms`).

Without it nobody who was forgotten is recognised, and no id can be hashed as before: it belongs
into every backup.
"""

import os
import re
import secrets
from pathlib import Path
from typing import Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack.handing_out import USER_KEY, hand_out
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, PRIVATE_FILE, Layout

_KEY_BYTES: Final = 32
_WRITTEN: Final = re.compile(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}")


def read_user_key(settings: Settings) -> bytes:
    """The key.

    Raises:
        PipelineError: the file is not there, may not be read, or holds something else.
    """
    path = _path(settings)
    mend = "put back the file from a backup, or name it by EV_USER_ID_KEY_FILE"
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PipelineError(
            f"the key of users' ids cannot be read: {reason}", mend=mend, where=str(path)
        ) from error
    if not _WRITTEN.fullmatch(text):
        raise PipelineError(
            f"is no key of users' ids: {2 * _KEY_BYTES} hexadecimal digits are one",
            mend=mend,
            where=str(path),
        )
    return bytes.fromhex(text)


def ensure_user_key(settings: Settings) -> bytes:
    """The key, made now if there is none yet; of two who make one at once, both get the first's.

    In containers the services have it as well, before any hash that is made by it is stored.

    Raises:
        PipelineError: the file that EV_USER_ID_KEY_FILE names is not there, or is no key.
    """
    path = _path(settings)
    if settings.user_id_key_file is None and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), PRIVATE_FILE)
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
            _sync(path.parent)
    hand_out(Layout(settings.home))
    return read_user_key(settings)


def _sync(directory: Path) -> None:
    """The directory's names outlive a loss of power, as what is committed after it does."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _path(settings: Settings) -> Path:
    return settings.user_id_key_file or Layout(settings.home).home / USER_KEY
