"""How well a field's words explain a header.

What lives here: cutting headers into words, and the score. What does not: the words (`words`).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from ev_pipeline.sources.draft.words import PHRASES, SAYS_NOTHING, SAYS_OTHERWISE

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNITS: Final = re.compile(r"[kM]Wh|kW\b")
"""Units whose capitals are no beginning of a word."""

_WORD: Final = re.compile(r"[a-z]+|\d+")

_LEAST_EXPLAINED: Final = 0.6
"""A header of which less is explained means something else."""


_PHRASES: Final = {
    field: [phrase.split() for phrase in phrases.split(", ")] for field, phrases in PHRASES.items()
}


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """How well a phrase fits a header.

    Args:
        explained: share of the header's letters.
        matched: how many letters the phrase itself has there.
    """

    explained: float
    matched: int


@cache
def words_of(header: str) -> tuple[str, ...]:
    """The header's words, small and without accents."""
    spaced = _UNITS.sub(lambda unit: f" {unit.group().lower()} ", header)
    folded = unicodedata.normalize("NFKD", _CAMEL.sub(" ", spaced)).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return tuple(_WORD.findall(plain))


@cache
def score(header: str, field: str) -> Score | None:
    """How well the best phrase fits a header, or the end of a path; null where none does."""
    parts = [part for part in header.split(".") if not part.isdecimal()]
    whole, end = words_of(header), words_of(parts[-1] if parts else "")
    tried = [whole] if SAYS_NOTHING.issuperset(end) else [whole, end]
    scores = [_score(words, phrase) for words in tried for phrase in _PHRASES[field]]
    return max((found for found in scores if found is not None), default=None)


def _score(words: tuple[str, ...], phrase: list[str]) -> Score | None:
    matched = {word for word in words for pattern in phrase if _fits(word, pattern)}
    if not all(any(_fits(word, pattern) for word in words) for pattern in phrase):
        return None
    if any(word in SAYS_OTHERWISE and word not in matched for word in words):
        return None
    explained = matched | SAYS_NOTHING
    letters = sum(map(len, words))
    share = sum(len(word) for word in words if word in explained) / letters
    if share < _LEAST_EXPLAINED:
        return None
    return Score(round(share, 2), sum(map(len, matched)))


def _fits(word: str, pattern: str) -> bool:
    return word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern
