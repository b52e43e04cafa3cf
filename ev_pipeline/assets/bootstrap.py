"""Which files a bootstrap loads: SOURCE:PATH pairs, as people and the environment write them.

What lives here: reading the pairs. What does not: reading the files (`intake`).
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from ev_pipeline.domain.errors import PipelineError


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file, and the mapping to read it by.

    Args:
        source: a shipped mapping's name or the absolute path of a mapping file.
        path: the file, absolute.
    """

    source: str
    path: Path


def parse_bootstrap(pairs: str, *, relative_to: Path) -> list[NamedFile]:
    """The files that `pairs` names, in its order.

    Args:
        pairs: SOURCE:PATH, separated by spaces; quotes keep spaces in a path.
        relative_to: the directory that relative paths start from.

    Raises:
        PipelineError: a word is not a pair, or a quote is not closed.
    """
    mend = "write EV_BOOTSTRAP as SOURCE:PATH pairs separated by spaces"
    try:
        words = shlex.split(pairs)
    except ValueError as error:
        raise PipelineError(f"EV_BOOTSTRAP cannot be read ({error})", mend=mend) from error
    named = []
    for word in words:
        source, colon, path = word.partition(":")
        if not (source and colon and path):
            raise PipelineError(f"{word!r} in EV_BOOTSTRAP is not a pair", mend=mend)
        if source.endswith(".toml"):
            source = str((relative_to / source).absolute())
        named.append(NamedFile(source, (relative_to / path).absolute()))
    return named
