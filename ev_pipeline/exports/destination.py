"""Where an export goes: standard output, or a file that is there when it is complete.

What lives here: opening, finishing and giving up. What does not: what is written.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import fchmod, fsync
from pathlib import Path
from secrets import token_hex
from stat import S_IMODE
from typing import BinaryIO

from ev_pipeline.domain.errors import PipelineError


@contextmanager
def opened(output: Path | None) -> Iterator[BinaryIO]:
    """Within, bytes can be written; afterwards they are at their place, or nothing is.

    Args:
        output: the file; null for standard output. A device or a pipe is written to as it is.

    Raises:
        PipelineError: the file cannot be written.
    """
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if output.is_dir():
            raise PipelineError(
                "this is a directory", mend="name a file with --output", where=str(output)
            )
        if output.exists() and not output.is_file():
            with output.open("wb") as device:
                yield device
            return
        with _beside(output.resolve()) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        raise PipelineError(
            f"the file cannot be written ({error.strerror})",
            mend="name another with --output",
            where=str(output),
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    """Within, a file under a name of its own, which takes the path's at the end.

    It may be read by whoever may read the one that it replaces.
    """
    unfinished = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            if path.exists():
                fchmod(file.fileno(), S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
