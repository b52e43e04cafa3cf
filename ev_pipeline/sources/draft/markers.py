"""Texts that sources write where they have no value.

What lives here: which, and finding them. What does not: texts that only one column explains.
"""

from collections.abc import Iterable, Sequence
from typing import Final

_WRITTEN: Final = (
    "na n/a n.a. #n/a n/d n.d. s/d k.a. null (null) <null> none nan nil - -- --- ? \\n "
    "unknown unbekannt inconnu desconocido desconhecido sconosciuto onbekend "
    "nicht_bekannt not_available"
)

_MARKERS: Final = frozenset(_WRITTEN.split())
"""Small letters; a blank is written `_`."""


def known_markers(rows: Iterable[Sequence[str | None]]) -> tuple[str, ...]:
    """The markers that stand alone in a cell of the rows, as they are written there."""
    found = {
        text.strip()
        for row in rows
        for text in row
        if text and text.strip().casefold().replace(" ", "_") in _MARKERS
    }
    return tuple(sorted(found))
