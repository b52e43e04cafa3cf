"""Forms of a source: what `[[variant]]` says over what the mapping says.

What lives here: the merged document. What does not: the models (`mapping`).
"""

from collections.abc import Mapping as Dict
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.sources.mapping_errors import line_of

_OF_THE_SOURCE: Final = (
    *("name", "records", "scope", "resolution_s", "has_corrections", "key_has_end"),
)
"""Keys that say who a session is and what becomes of it: no form of a source has its own."""


def form_of(
    document: dict[str, Any],
    change: dict[str, Any],
    inputs: Dict[str, tuple[str, ...]],
    text: str,
    where: str,
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The columns that a form lacks, and the document of a mapping that reads it.

    Args:
        document: the whole mapping's.
        change: what stands in `[[variant]]`.
        inputs: the columns that each field of the whole mapping reads.
        text: the TOML.
        where: what the text is called in errors.

    Raises:
        PipelineError: the variant does not say what it lacks, or says what holds for every form.
    """
    change = dict(change)
    without = change.pop("without", None)
    if not isinstance(without, list) or not without:
        raise PipelineError(
            "a [[variant]] does not say what makes it one",
            where=where,
            mend='add the columns that such a file lacks: without = ["User ID"]',
        )
    own = next((key for key in change if key in _OF_THE_SOURCE), None)
    if own is not None:
        raise PipelineError(
            f"a [[variant]] has its own {own}",
            where=f"{where}, line {line_of(text, ('variant', own))}",
            mend=f"say {own} once, at the top: it holds for every form of the source",
        )
    gone = {field for field, columns in inputs.items() if columns and {*columns} <= {*without}}
    kept = {key: value for key, value in document["fields"].items() if key not in gone}
    return tuple(without), _merged({**document, "fields": kept}, change)


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with the change's keys; a section has its keys replaced, not as a whole."""
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged
