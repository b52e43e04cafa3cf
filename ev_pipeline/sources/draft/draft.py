"""A first mapping for an unseen file, for a person to finish.

What lives here: from a path to the draft's text. What does not: looking (`sample`, `columns`),
deciding (`choice`, `completion`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Final

import polars as pl

from ev_pipeline.sources.draft.choice import Choice, choose
from ev_pipeline.sources.draft.columns import Facts, facts_of
from ev_pipeline.sources.draft.completion import completed
from ev_pipeline.sources.draft.document import comment, line, statement_lines
from ev_pipeline.sources.draft.markers import markers_of_joined, with_markers
from ev_pipeline.sources.draft.sample import MAX_COLUMNS, Sample, take_sample
from ev_pipeline.sources.draft.statement import Statement
from ev_pipeline.sources.draft.styles import style_of_file, with_own_styles
from ev_pipeline.sources.draft.zone_names import offsets, place_of
from ev_pipeline.sources.numbers import NumberStyle

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
    style: NumberStyle


def draft_mapping(path: Path) -> str:
    """The TOML of a mapping that reads the file as far as its beginning tells.

    Raises:
        PipelineError: the file cannot be read, or has no columns.
    """
    sample = take_sample(path)
    columns = [facts_of(column) for column in sample.columns]
    choice = choose(columns)
    fields = completed(choice, columns)
    style = style_of_file(fields, columns)
    fields = with_markers(with_own_styles(fields, columns, style), columns)
    draft = _Draft(path, sample, columns, choice, fields, style)
    parts = [*_head(draft), "", *_top(draft), "", *_file(draft), ""]
    parts += ["[fields]", *statement_lines(draft.fields)]
    if choice.hints:
        hints = with_markers(with_own_styles(choice.hints, columns, style), columns)
        parts += ["", "[station]", *statement_lines(hints)]
    parts += _rest(draft)
    return "\n".join(parts) + "\n"


def _head(draft: _Draft) -> list[str]:
    n_records, n_columns = draft.sample.n_records, draft.sample.n_columns
    n_seen = min(n_columns, MAX_COLUMNS)
    first = [comment(f"Only the first {n_seen} of its {n_columns} columns were looked at.")]
    return [
        comment(f"A first mapping for {draft.path.name}, drafted from {n_records} records."),
        *(first if n_seen < n_columns else []),
        comment("Look at each line marked CHECK; docs/mapping.md has the whole language. Then:"),
        comment(f"ev-pipeline sources check {_name(draft.path)}.toml {quote(draft.path.name)}"),
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
        lines.append(line("resolution_s", _MINUTE_S, why="no start or end has seconds but 00"))
    if missing := markers_of_joined(draft.fields, draft.columns):
        lines.append(line("missing", missing, to_check="do they mean that there is no value?"))
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
    lines.append(line("decimal", draft.style.decimal))
    if draft.style.thousands:
        lines.append(line("thousands", draft.style.thousands))
    if sample.n_above:
        why = "lines above the names of the columns"
        lines.append(line("skip_lines", sample.n_above, why=why))
    if sample.totals:
        why = "are these lines no records, and does no record begin so?"
        lines.append(line("skip_lines_starting", sample.totals, to_check=why))
    if sample.list_at is not None:
        lines.append(line("list_at", sample.list_at))
    return lines


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
