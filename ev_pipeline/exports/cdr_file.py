"""Sessions as a JSON list of OCPI 2.2.1 CDRs, written as they arrive.

What lives here: the list, and the count of what is not in it. What does not: one CDR (`cdr`).
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO, Final

import polars as pl

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.exports.cdr import cdr_of
from ev_pipeline.exports.cdr_values import Unfillable
from ev_pipeline.settings import ENV_PREFIX, Settings

_NEEDED: Final = ("ocpi_country_code", "ocpi_party_id", "ocpi_country")
"""Settings without which there is no CDR at all."""


def require_party(settings: Settings) -> None:
    """Pass only if the settings say whose CDRs they are.

    Raises:
        PipelineError: they do not.
    """
    missing = [ENV_PREFIX + name.upper() for name in _NEEDED if getattr(settings, name) is None]
    if missing:
        raise PipelineError(
            f"a CDR names its party and country, and nothing says them: {', '.join(missing)}",
            mend="set them, for example to NL, EXA and NLD",
        )


def write_cdrs(
    frames: Iterable[pl.DataFrame], file: BinaryIO, settings: Settings
) -> tuple[int, Counter[tuple[str, str]]]:
    """The sessions that can be CDRs are in the file, one a line, a frame in memory at a time.

    Args:
        frames: sessions and their stations, as `storage.outgoing` reads them.
        file: where to.
        settings: the party, and what no session says.

    Returns:
        How many there are, and how many there are not, by mandatory field and reason.
    """
    refused: Counter[tuple[str, str]] = Counter()
    n_written = 0
    file.write(b"[")
    for frame in frames:
        lines: list[str] = []
        for row in frame.iter_rows(named=True):
            try:
                cdr = cdr_of(row, settings)
            except Unfillable as error:
                refused[error.field, error.why] += 1
            else:
                lines.append(json.dumps(cdr, ensure_ascii=False, separators=(",", ":")))
        if lines:
            before = ",\n" if n_written else "\n"
            file.write((before + ",\n".join(lines)).encode())
            n_written += len(lines)
    file.write(b"\n]\n")
    return n_written, refused
