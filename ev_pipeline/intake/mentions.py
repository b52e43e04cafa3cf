r"""Users' ids that stand somewhere in a text: in another field, or in what nobody can read.

What lives here: from bytes to texts, and ids among a text's words. What does not: whose ids those
are, and what becomes of the text (`user_ids`, `persons_in_quarantine`, `forget`).
"""

import re
from collections.abc import Iterable
from typing import Final

from ev_pipeline.sources.files import record_encoding

_LEAST_LETTERS: Final = 5
"""Of an id that is looked for in other fields: a shorter one stands in half of all records by
chance."""

_MOST_WORDS: Final = 3
"""Of an id that is looked for by its hash: `auth0|5f7c9a`, `DE/8AA/1234`."""

_BETWEEN: Final = r"\s\"',;|:=/\\\[\]{}()<>"
"""Blanks, quotes, brackets and separators."""

_WORD: Final = re.compile(rf"[^{_BETWEEN}]+")

_ESCAPE: Final = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_NOTHING: Final = re.compile(r"(?!)")


def is_telling(user_id: str) -> bool:
    """Whether the id is looked for in other fields than its own."""
    return len(user_id) >= _LEAST_LETTERS


def texts_of(raw: bytes, encoding: str) -> frozenset[str]:
    """What a record's bytes may say, by its file's encoding or as UTF-8."""
    readings = (raw.decode(name, "replace") for name in {"utf-8", record_encoding(encoding)})
    return frozenset(text for reading in readings for text in spellings(reading))


def spellings(text: str) -> frozenset[str]:
    """The text, and what it says if it is JSON's."""
    halves = _ESCAPE.sub(_unescaped, text)
    plain = halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return frozenset((text, plain))


def possible_ids(text: str) -> frozenset[str]:
    """Its words, and those that one blank or separator joins: ids that may stand in it."""
    spans = [found.span() for found in _WORD.finditer(text)]
    ids: set[str] = set()
    for place, (start, before) in enumerate(spans):
        last = before
        for begin, end in spans[place : place + _MOST_WORDS]:
            if begin > last + 1:
                break
            last = end
            ids.add(text[start:end])
    return frozenset(filter(is_telling, ids))


def any_of(user_ids: Iterable[str]) -> re.Pattern[str]:
    """Finds each of the ids that is long enough where it stands between words of a text."""
    told = "|".join(re.escape(user_id) for user_id in user_ids if is_telling(user_id))
    return re.compile(rf"(?<![^{_BETWEEN}])(?:{told})(?![^{_BETWEEN}])") if told else _NOTHING


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2])
