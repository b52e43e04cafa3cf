"""Names of months as sources in several languages write them.

What lives here: the names, and texts with English ones in their place.
What does not: the formats in which a month's name stands (`timeformats`).
"""

from typing import Final

import polars as pl

_WRITTEN: Final = {
    "Jan": "january januar jänner jän janvier janv enero ene janeiro gennaio gen januari",
    "Feb": "february februar février févr fév fevrier febrero fevereiro fev febbraio februari febr",
    "Mar": "march märz maerz mär mrz mars marzo março marco maart mrt",
    "Apr": "april avril avr abril abr aprile",
    "May": "mai mayo maio maggio mag mei",
    "Jun": "june juni juin junio junho giugno giu",
    "Jul": "july juli juillet juil julio julho luglio lug",
    "Aug": "august août aout agosto ago augustus",
    "Sep": "september sept septembre septiembre set setembro settembre sett",
    "Oct": "october oktober okt octobre octubre out outubro ottobre ott",
    "Nov": "november novembre noviembre novembro",
    "Dec": "december dezember dez décembre déc decembre diciembre dic dezembro dicembre",
}
"""English, German, French, Spanish, Portuguese, Italian and Dutch; no name means two months."""

_ENGLISH: Final = {
    name: english
    for english, names in _WRITTEN.items()
    for name in (*names.split(), english.lower())
}

_FIRST_WORD: Final = r"^(?<before>.*?)(?<month>\p{L}{3,})\.?(?<after>.*)$"
"""A text around its first word of three letters or more: shorter ones are such as `de`."""


def with_english_months(texts: pl.Series) -> pl.Series:
    """The texts with the English short name of the month that they name, without a full stop.

    Args:
        texts: String.

    Returns:
        Null where a text names no month.
    """
    parts = texts.str.extract_groups(_FIRST_WORD).struct.unnest()
    months = parts["month"].str.to_lowercase()
    english = months.replace_strict(_ENGLISH, default=None, return_dtype=pl.String)
    return parts["before"] + english + parts["after"]
