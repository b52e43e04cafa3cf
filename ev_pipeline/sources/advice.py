"""What the person who writes a mapping is told of it, beside how records were read.

What lives here: paths that lead nowhere, what the mapping leaves to settings, ids that it passes
over. What does not: what is wrong with a mapping by itself (`mapping_errors`).
"""

from collections.abc import Iterator
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.sources.contents import Contents, CsvContents, JsonContents
from ev_pipeline.sources.draft.columns import facts_of
from ev_pipeline.sources.draft.sample import Column
from ev_pipeline.sources.mapping import Mapping
from ev_pipeline.sources.mapping_errors import line_naming
from ev_pipeline.sources.mapping_rules import NEEDED
from ev_pipeline.sources.unknown_keys import nearest

_FEWEST: Final = 10
"""In fewer records a column has no value twice by chance."""

_DERIVED: Final = "derived."
"""How the paths begin that a standard adds to a record."""


def refuse_wrong_paths(contents: JsonContents, mapping: Mapping, where: str) -> None:
    """Each path of a needed field leads to a value in some record, and none to a list or object.

    Args:
        contents: the records that were looked at.
        mapping: how they are read.
        where: what the file is called in errors.

    Raises:
        PipelineError: one does not.
    """
    needed = {
        path
        for field in NEEDED[mapping.records]
        for path in mapping.sources[field].told
        if mapping.sources[field].else_column is None
    }
    for path in mapping.columns:
        inside = contents.inside(path)
        if isinstance(inside, dict | list):
            what, mend = _many_values(path, inside)
            raise PipelineError(f"{what}{_place(path, mapping)}", where=where, mend=mend)
    for path in absent_from(contents, mapping):
        if contents.values and path in needed:
            closest = nearest(path, contents.names)
            hint = f"it may be {closest!r}; " if closest else ""
            raise PipelineError(
                f"no record has the path {path!r}{_place(path, mapping)}",
                where=where,
                mend=f"{hint}the records have {', '.join(contents.names)}",
            )


def _many_values(path: str, inside: dict[str, Any] | list[Any]) -> tuple[str, str]:
    """What is said of a path that leads to an object or a list, and the mend."""
    if isinstance(inside, list):
        return f"{path} is a list", f"name one place in it, such as {path}.0"
    key = next(iter(inside), "key")
    return f"{path} is an object", f"name one of its keys, such as {path}.{key}"


def _place(path: str, mapping: Mapping) -> str:
    line = line_naming(mapping.text, path)
    return f", which the mapping {mapping.name} reads" + (f" (its line {line})" if line else "")


def absent_from(contents: Contents, mapping: Mapping) -> list[str]:
    """The columns or paths that a mapping names and no record has."""
    there = set(contents.names)
    is_derived = mapping.file.standard is not None
    return [
        name
        for name in mapping.columns
        if name.strip() not in there and not (is_derived and name.startswith(_DERIVED))
    ]


def advice(
    contents: Contents, mapping: Mapping, used: Mapping, settings: Settings
) -> Iterator[str]:
    """What is to be said of a mapping and a file, a sentence each.

    Args:
        contents: the records that were looked at.
        mapping: the mapping as it was written.
        used: the one of its forms by which the file was read.
        settings: what holds where the mapping says nothing.

    Yields:
        Whose ids and clocks hold, forms that were not used, names that are nearly right, and a
        column that may be the id.
    """
    scope, zone = used.scope, used.zone
    yield (
        f"Operator: {scope}, from scope"
        if scope
        else (
            f"Operator: {settings.operator}, from EV_OPERATOR; scope in the mapping names another"
        )
    )
    if used.records == "session":
        times = f"; times without a zone follow {used.times_in}" if used.times_in else ""
        told = "zone" if zone else "EV_TIMEZONE"
        yield f"Clock of the stations: {zone or settings.timezone}, from {told}{times}"
    yield from _unused_forms(contents, mapping, used)
    if isinstance(contents, JsonContents):
        for name in absent_from(contents, used):
            if closest := nearest(name, contents.names, alike=0.8):
                yield f"No record has the path {name}; it may be {closest}"
    has_id = used.records != "session" or "source_session_id" in used.sources
    if not has_id and (likely := _likely_id(contents, used)):
        yield (
            f"{likely} is another one in each record; if it is the session's own id, say "
            f'source_session_id = "{likely}"'
        )


def _unused_forms(contents: Contents, mapping: Mapping, used: Mapping) -> Iterator[str]:
    """Why forms of the source were not used."""
    for variant in mapping.variants:
        if variant.mapping is not used and isinstance(contents, CsvContents):
            there = [name for name in variant.without if name in contents.names]
            if there:
                without = ", ".join(variant.without)
                yield f"The [[variant]] without {without} was not used: the file has {there[0]}"


def _likely_id(contents: Contents, mapping: Mapping) -> str | None:
    """A column that the mapping passes over and that has another text in each record."""
    read = set(mapping.columns)
    for name in contents.names:
        if name in read:
            continue
        texts = contents.texts(name).str.strip_chars()
        is_unique = texts.null_count() == 0 and texts.n_unique() == len(texts) >= _FEWEST
        if is_unique and facts_of(Column(name, texts)).is_identifier:
            return name
    return None
