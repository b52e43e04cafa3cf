"""What every step of one load needs to know, and what a load answers.

What lives here: the job and its result. What does not: the steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ev_pipeline.intake.records import Records
from ev_pipeline.settings import Settings
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.skipping import SkippedLines
from ev_pipeline.storage.loads import Origin, Tally


@dataclass(frozen=True, slots=True)
class Job:
    """One load on its way.

    Args:
        load_id: its number; null for the stream, whose records nobody takes back.
        settings: limits and zones.
        mapping: how the source writes records.
        origin: where the records come from.
        records: the records.
        fingerprint: what the records' content was when the load began.
        progress: hears how many records were read; may be null.
    """

    load_id: int | None
    settings: Settings
    mapping: Mapping
    origin: Origin
    records: Records
    fingerprint: str | None
    progress: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of one file's records, or of a replay's.

    Args:
        load_id: the load's number; null for a dry run, which leaves none.
        source: name of the mapping.
        path: the file as it was named.
        tally: the counts.
        duration_s: how long it took, s.
        skipped: the file's lines that are no records, and so are in no count.
    """

    load_id: int | None
    source: str
    path: str
    tally: Tally
    duration_s: float
    skipped: SkippedLines = field(default_factory=SkippedLines)

    def as_document(self) -> dict[str, Any]:
        """The answer that `load --json` gives for one file."""
        return {
            "source": self.source,
            **self.tally.counts.as_columns(),
            "reasons": self.tally.reasons,
            "warnings": self.tally.warnings,
            "notes": self.tally.notes,
        }
