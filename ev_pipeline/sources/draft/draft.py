"""A first mapping for an unseen file, for a person to finish.

What lives here: from a path to the draft's text. What does not: looking (`sample`, `columns`),
deciding (`choice`, `completion`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from ev_pipeline.sources.draft.choice import Choice, choose
from ev_pipeline.sources.draft.columns import Facts, facts_of
from ev_pipeline.sources.draft.completion import completed
from ev_pipeline.sources.draft.document import comment, line, statement_lines
from ev_pipeline.sources.draft.sample import Sample, take_sample
from ev_pipeline.sources.draft.statement import Statement
from ev_pipeline.sources.draft.zone_names import offsets, place_of

_MINUTE_S: Final = 60

_NO_SESSIONS: Final = "neither times nor energy are in it, so its rows may be stations"
_WHOSE_CLOCK: Final = "the file does not say on whose clock its times are; write the stations' zone"
_SCOPE: Final = (
    'scope = "..." names the operator, within which ids are unique; CHECK: EV_OPERATOR if absent'
)
_HOURS: Final = 'zone = "Europe/London" says on whose clock hours of the day are told; CHECK'


_KEY: Final = ("station_id", "started_at")


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was found out about one file."""

    path: Path
    sample: Sample
    columns: Sequence[Facts]
    choice: Choice
    fields: tuple[Statement, ...]


def draft_mapping(path: Path) -> str:
    """The TOML of a mapping that reads the file as far as its beginning tells.

    Raises:
        PipelineError: the file cannot be read, or has no columns.
    """
    sample = take_sample(path)
    columns = [facts_of(column) for column in sample.columns]
    choice = choose(columns)
    draft = _Draft(path, sample, columns, choice, completed(choice, columns))
    parts = [*_head(draft), "", *_top(draft), "", *_file(draft), ""]
    parts += ["[fields]", *statement_lines(draft.fields)]
    if choice.hints:
        parts += ["", "[station]", *statement_lines(choice.hints)]
    parts += _rest(draft)
    return "\n".join(parts) + "\n"


def _head(draft: _Draft) -> list[str]:
    n_records = draft.sample.n_records
    return [
        comment(f"A first mapping for {draft.path.name}, drafted from {n_records} records."),
        comment("Look at each line marked CHECK; docs/mapping.md has the whole language. Then:"),
        comment(f"ev-pipeline sources check {_name(draft.path)}.toml {draft.path.name}"),
    ]


def _top(draft: _Draft) -> list[str]:
    """The lines above the sections."""
    choice = draft.choice
    lines = [
        line("name", _name(draft.path)),
        line("title", draft.path.name, to_check="what it is, for people"),
        line(
            "records", choice.records, to_check=_NO_SESSIONS if choice.records != "session" else ""
        ),
        comment(_SCOPE),
    ]
    zones = [column.texts for column in draft.columns if column.is_zone]
    place = next(filter(None, map(place_of, zones)), None)
    if place is not None:
        lines.append(line("zone", place, to_check="is this where the stations stand?"))
    elif choice.times.need_zone:
        lines.append(line("zone", "UTC", to_check=_WHOSE_CLOCK))
    elif choice.records == "session":
        lines.append(comment(_HOURS))
    abbreviations = {name: offset for texts in zones for name, offset in offsets(texts).items()}
    if abbreviations and choice.times.need_zone:
        lines.append(line("zones", abbreviations))
    if choice.times.moments and not choice.times.has_seconds:
        lines.append(line("resolution_s", _MINUTE_S, why="no time has seconds"))
    if draft.sample.missing:
        lines.append(line("missing", draft.sample.missing))
    return [*lines, *_identity(draft)]


def _identity(draft: _Draft) -> list[str]:
    """What makes a session the same session, where the file has no id of its own."""
    by_field = {statement.field: statement for statement in draft.fields}
    if draft.choice.records != "session" or "source_session_id" in by_field:
        return []
    if "connector_id" in by_field:
        return [comment("No id of its own: station, connector and start say which session it is.")]
    texts = {column.name: column.texts for column in draft.columns}

    def n_different(*fields: str) -> int:
        names = {name for field in fields for name in by_field[field].columns}
        return pl.DataFrame([texts[name] for name in sorted(names)]).n_unique() if names else 1

    n_repeated = n_different(*_KEY, "ended_at") - n_different(*_KEY)
    lines = [comment("No id of its own: station and start say which session it is.")]
    if n_repeated:
        why = f"{n_repeated} sessions start at the same station and moment as another one"
        lines.append(line("key_has_end", value=True, why=why))
    return lines


def _file(draft: _Draft) -> list[str]:
    """The section `[file]`."""
    sample = draft.sample
    mark = "begins with a byte order mark, which is always taken off"
    lines = ["[file]", line("format", sample.format)]
    if sample.delimiter is not None:
        lines.append(line("delimiter", sample.delimiter))
    lines.append(line("encoding", sample.encoding, why=mark if sample.has_byte_order_mark else ""))
    decimal, to_check = _decimal(draft)
    lines.append(line("decimal", decimal, to_check=to_check))
    if sample.list_at is not None:
        lines.append(line("list_at", sample.list_at))
    return lines


def _decimal(draft: _Draft) -> tuple[str, str]:
    """The decimal sign of the columns that are read, the energy's before others'."""
    used = [name for statement in draft.fields for name in statement.columns]
    energy = [
        name
        for statement in draft.fields
        for name in statement.columns
        if statement.field == "energy_kwh"
    ]
    facts = {column.name: column for column in draft.columns}
    signs = {
        name: numbers.decimal
        for name in (*energy, *used)
        if (numbers := facts[name].numbers) is not None and numbers.decimal is not None
    }
    sign = next(iter(signs.values()), ".")
    others = [name for name, other in signs.items() if other != sign]
    return sign, f"{', '.join(others)} has the other sign, and cannot be read" if others else ""


def _rest(draft: _Draft) -> list[str]:
    """What the draft does not read."""
    statements = (*draft.fields, *draft.choice.hints)
    used = {name for statement in statements for name in statement.columns}
    unused = [column.name for column in draft.columns if column.name not in used]
    return ["", comment(f"Not read: {', '.join(unused)}")] if unused else []


def _name(path: Path) -> str:
    """A mapping's name made of the file's."""
    stem = path.name.partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_")[:40] or "my_source"
