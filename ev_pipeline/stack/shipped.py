"""Configuration files that come with the package: where they are, installed or in a checkout.

What lives here: finding them. What does not: what is in them.
"""

from collections.abc import Callable
from pathlib import Path

import ev_pipeline
from ev_pipeline.domain.errors import PipelineError


def shipped_file(path: str) -> Path:
    """Where the file is.

    Args:
        path: its place in a checkout; an installed package carries it in `stack`.

    Raises:
        PipelineError: if it is in neither place.
    """
    return _shipped(path, Path.is_file)


def shipped_directory(path: str) -> Path:
    """Where the directory is, as for a file.

    Raises:
        PipelineError: if it is in neither place.
    """
    return _shipped(path, Path.is_dir)


def _shipped(path: str, is_there: Callable[[Path], bool]) -> Path:
    package = Path(ev_pipeline.__file__).parent
    for place in (package / "stack" / Path(path).name, package.parent / path):
        if is_there(place):
            return place
    raise PipelineError(
        f"{path} is neither in the package nor beside it",
        mend="install the package again",
        where=str(package),
    )
