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
from ev_pipeline.stack.layout import PRIVATE_DIRECTORY, Layout
from ev_pipeline.stack.private_files import write_out, write_private

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
        write_private(unfinished, secrets.token_hex(_KEY_BYTES) + "\n")
        try:
            path.hardlink_to(unfinished)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
            write_out(path.parent)
    hand_out(Layout(settings.home))
    return read_user_key(settings)


def _path(settings: Settings) -> Path:
    return settings.user_id_key_file or Layout(settings.home).home / USER_KEY
