"""Names of weekdays in the languages of `words`.

What lives here: recognising them. What does not: reading them (`sources.decode`).
"""

from typing import Final

import polars as pl

_NAMES: Final = tuple(
    tuple(names.split())
    for names in (
        "mo di mi do fr sa so",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "lun mar mer jeu ven sam dim",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miércoles jueves viernes sábado domingo",
        "segunda terça quarta quinta sexta sábado domingo",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        "ma di wo do vr za zo",
    )
)
"""Monday first."""

_ENGLISH: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekday_names(texts: pl.Series) -> list[str] | None:
    """The names as the texts write them, Monday first; empty where none need be said.

    Returns:
        Null where the texts are no weekdays, or one of the seven is not among them.
    """
    written = {text.casefold(): text for text in texts.drop_nulls().unique()}
    if not written:
        return None
    if all(text[:3] in _ENGLISH or text in "1234567" for text in written):
        return []
    for names in _NAMES:
        if set(written) == set(names):
            return [written[name] for name in names]
    return None
