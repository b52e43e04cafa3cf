"""What a draft says of one field, and why.

What lives here: the form of a statement. What does not: reaching one (`choice`), writing it
(`document`).
"""

from dataclasses import dataclass
from typing import Any, Final

MAX_MARKERS: Final = 3
"""So few different texts that are no value may mean that there is none; more are faults."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Where a field comes from.

    Args:
        field: a key of `[fields]` or `[station]`.
        source: what stands to the right of its `=`: a column's name, or keys and their values.
        why: what told, for the person who finishes the draft; may be empty.
        to_check: what that person must look at; empty if nothing.
        is_open: whether nothing was found: it is written as a remark, for that person to fill in.
    """

    field: str
    source: str | dict[str, Any]
    why: str = ""
    to_check: str = ""
    is_open: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        if isinstance(self.source, str):
            return (self.source,)
        others = [self.source[key] for key in ("zone_column", "minus") if key in self.source]
        return (*self.told, *others)

    @property
    def told(self) -> tuple[str, ...]:
        """The columns of the value itself."""
        if isinstance(self.source, str):
            return (self.source,)
        keys = ("column", "until", "start_plus", "end_minus", "clock_after_start")
        names = [self.source[key] for key in keys if key in self.source]
        return (*self.source.get("columns", ()), *names)
