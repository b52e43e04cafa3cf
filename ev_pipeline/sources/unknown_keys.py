"""What was meant by a key that a mapping does not have there.

What lives here: which keys each place of a mapping has, and which of them was likely meant.
What does not: the line and the form of the error (`mapping_errors`).
"""

import difflib
from collections.abc import Iterable
from typing import Final

from ev_pipeline.sources.fields import NumberSource, TextSource, TimeSource
from ev_pipeline.sources.file_format import FileFormat
from ev_pipeline.sources.sections import RegistryFields, SessionFields, StationHints, source_of

_ALIKE: Final = 0.7
"""So much alike is a typing error; less is another word."""

_MOST_LISTED: Final = 20
"""More keys than these are not read in an error."""

_MEANT: Final = {
    "split": 'a part of a column is taken by before = "/" or after = "/"',
    "separator": "what stands between values is delimiter, in [file]",
    "default": "another column stands in by else_column; the same for every record is value",
}
"""Words of other programs that are like no key."""

Loc = tuple[str | int, ...]


def nearest(name: str, known: Iterable[str], *, alike: float = 0.5) -> str | None:
    """The known name that is most like `name`, if any is and it is another one."""
    by_folded = {candidate.casefold(): candidate for candidate in known if candidate != name}
    close = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=alike)
    return by_folded[close[0]] if close else None


def what_was_meant(loc: Loc, records: str, known_at_top: Iterable[str]) -> tuple[str, str]:
    """What is wrong with a key, and the mend.

    Args:
        loc: keys from the top down to the unknown one.
        records: what the mapping's records are.
        known_at_top: the keys of the mapping itself.
    """
    name, section = str(loc[-1]), loc[:-1]
    fields = SessionFields if records == "session" else RegistryFields
    places = {
        "at the top": [*known_at_top, "variant"],
        "in [file]": [*FileFormat.model_fields],
        "in [fields]": [*fields.model_fields],
        "in [station]": [*StationHints.model_fields],
        "in a field that is a time": [*TimeSource.model_fields],
        "in a field that is a number": [*NumberSource.model_fields],
        "in a field that is a text": [*TextSource.model_fields],
    }
    known = _known_in(section, places)
    place = f"in [{'.'.join(map(str, section))}]" if section else "at the top"
    what = f"the key {name!r} {place} is unknown"
    if name in _MEANT:
        return what, _MEANT[name]
    elsewhere = next((there for there, keys in places.items() if name in keys), None)
    if elsewhere is not None:
        return what, f"{name} stands {elsewhere}; {_listed(known)}"
    closest = nearest(name, known, alike=_ALIKE)
    return what, f"did you mean {closest}?" if closest else _listed(known)


def _known_in(section: Loc, places: dict[str, list[str]]) -> list[str]:
    """The keys that a section has."""
    match section:
        case ():
            return places["at the top"]
        case (str(name),) if f"in [{name}]" in places:
            return places[f"in [{name}]"]
        case (_, str(field), *_):
            return [*source_of(field).model_fields]
        case _:
            return []


def _listed(known: list[str]) -> str:
    if len(known) > _MOST_LISTED:
        return "docs/mapping.md lists the keys"
    return f"known there: {', '.join(known)}"
