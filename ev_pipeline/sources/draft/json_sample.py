"""The first records of an unseen JSON file.

What lives here: where its list is, and its records as rows of paths and texts.
What does not: what the paths mean.
"""

import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import ijson

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.draft.csv_sample import Rows
from ev_pipeline.sources.file_format import Format
from ev_pipeline.sources.json_paths import single_values

_MAX_RECORDS: Final = 5000
"""More tell nothing new."""


def json_rows(text: str, *, where: str) -> tuple[Format, str | None, list[str], Rows]:
    """The form, where the list is, the paths of single values, and the rows of their texts.

    Args:
        text: the beginning of the file, perhaps cut anywhere.
        where: what the file is called in errors.

    Raises:
        PipelineError: there is no object in it.
    """
    form, list_at, elements = _elements(text)
    records = [single_values(element) for element in elements if isinstance(element, dict)]
    names = list(dict.fromkeys(name for record in records for name in record))
    if not names:
        raise PipelineError(
            "there is no JSON object with values in its beginning",
            where=where,
            mend="export a list of objects, or one object a line",
        )
    return form, list_at, names, [[record.get(name) for name in names] for record in records]


def _elements(text: str) -> tuple[Format, str | None, list[Any]]:
    lines = text.strip().splitlines()
    try:
        if isinstance(json.loads(lines[0]), dict) and (len(lines) > 1 or not _list_path(text)):
            return "jsonl", None, list(islice(_lines(lines), _MAX_RECORDS))
    except (ValueError, RecursionError):  # the first line is no record, so the whole is a document
        pass
    list_at = None if text.lstrip().startswith("[") else _list_path(text)
    prefix = f"{list_at}.item" if list_at else "item" if text.lstrip().startswith("[") else ""
    return "json", list_at, list(islice(_items(text, prefix), _MAX_RECORDS))


def _lines(lines: list[str]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except (
            ValueError,
            RecursionError,
        ):  # a broken line is the reader's to refuse; the last may be cut
            continue


def _items(text: str, prefix: str) -> Iterator[Any]:
    """The items as far as the text goes."""
    stream = io.BytesIO(text.encode())
    try:
        yield from ijson.items(stream, prefix, use_float=True, multiple_values=not prefix)
    except ijson.JSONError:  # where the sample is cut
        return


def _list_path(text: str) -> str | None:
    """The path of the first list of objects in a document."""
    open_list: str | None = None
    try:
        for prefix, event, _ in ijson.parse(io.BytesIO(text.encode()), multiple_values=True):
            if event == "start_map" and open_list is not None:
                return open_list
            open_list = prefix if event == "start_array" else None
    except ijson.JSONError:
        return None
    return None
