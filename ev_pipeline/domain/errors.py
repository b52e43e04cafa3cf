"""The one error that a person is meant to read; programming errors stay what they are."""

from typing import Self


class PipelineError(Exception):
    """Something outside this code is wrong: says what, where, and how to mend it, on one line.

    Args:
        what: the thing and what is wrong with it.
        mend: what to do about it.
        where: file, line, column or address, if there is one.
    """

    def __init__(self: Self, what: str, *, mend: str, where: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend
        self.where = where

    def __str__(self) -> str:
        """The whole message on one line."""
        place = f"{self.where}: " if self.where else ""
        return " ".join(f"{place}{self.what}; {self.mend}".split())
