"""Values as OCPI 2.2.1 writes them.

What lives here: its types, and the error for a field that has no value. What does not: the fields.
"""

import re
from datetime import datetime
from typing import Any, Final

_IDENTIFIER: Final = re.compile("[ -~]{1,36}")
"""CiString(36): printable ASCII."""

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Unfillable(Exception):  # noqa: N818 - it says what the field is
    """A mandatory field of a CDR has no value.

    Args:
        field: the field, as a path.
        why: the reason, for people.
    """

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


def required(value: Any, field: str, why: str) -> Any:
    """The value.

    Raises:
        Unfillable: there is none.
    """
    if value is None:
        raise Unfillable(field, why)
    return value


def is_identifier(text: str | None) -> bool:
    """Whether the text fits into a CiString(36)."""
    return text is not None and _IDENTIFIER.fullmatch(text) is not None


def moment(at: datetime) -> str:
    """A moment as a DateTime: UTC, cut to the millisecond, which is what fits into 25 letters."""
    milliseconds = at.microsecond // 1000
    fraction = f".{milliseconds:03}" if milliseconds else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def printable(text: str | None, longest: int) -> str | None:
    """A text cut to its field's length, without what cannot be printed; null where nothing is."""
    plain = _UNPRINTABLE.sub(" ", text or "").strip()[:longest].strip()
    return plain or None
