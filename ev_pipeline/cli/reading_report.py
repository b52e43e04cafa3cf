"""How a file would be read, as a person or a program is shown it.

What lives here: the records, the sums and the columns that are passed over, printed.
What does not: reading (`sources.explain`).
"""

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ev_pipeline.cli.output import messages, results

if TYPE_CHECKING:
    from ev_pipeline.sources.explain import FileReading, RecordReading
    from ev_pipeline.sources.verdicts import Finding

_STYLES: Final = {"error": "red", "warning": "yellow", "note": "cyan"}

_NOT_LOOKED_AT: Final = "What is stored was not looked at: a load also compares with that."

_SAME: Final = "say again what an earlier one says: duplicates"
_VERSIONS: Final = "are versions of an earlier one: the newer one counts"
_CONFLICTS: Final = "have the identity of an earlier one and say another thing: conflicts with it"

_VALUE_WIDTH: Final = 26
"""Wide enough for a time with fractions, so that 80 letters hold the reason too."""


def as_document(reading: "FileReading", mapping: str, path: Path) -> dict[str, Any]:
    """The reading as one JSON document."""
    return {
        "mapping": mapping,
        "file": str(path),
        "absent_columns": reading.absent,
        "columns_not_read": reading.not_read,
        "fields_never_filled": reading.never_filled,
        "advice": reading.advice,
        "lines_count": reading.counted_in,
        "skipped_lines": asdict(reading.skipped),
        "records": [_record(record) for record in reading.records],
        "totals": {
            "looked_at": len(reading.findings),
            **_outcomes(reading),
            "same_identity": reading.repeated.n_all,
            "versions": reading.repeated.n_versions,
            "conflicts": reading.repeated.n_conflicts,
            **{f"{kind}s": dict(_codes(reading, kind)) for kind in _STYLES},
        },
    }


def _record(record: "RecordReading") -> dict[str, Any]:
    by_severity = {
        f"{kind}s": [_finding(found) for found in record.findings if found.severity == kind]
        for kind in _STYLES
    }
    return {
        "line": record.line,
        "outcome": _outcome(record.findings),
        "raw": record.raw,
        "fields": {
            name: {"value": field.value, "from": field.origin, "text": field.text, "why": field.why}
            for name, field in record.fields.items()
        },
        **by_severity,
    }


def _finding(found: "Finding") -> dict[str, str | None]:
    told = {"code": found.code, "message": found.message}
    if found.severity != "error":
        return {**told}
    return {**told, "field": found.field, "value": found.value}


def _outcome(findings: "list[Finding]") -> str:
    severities = {found.severity for found in findings}
    if "error" in severities:
        return "quarantined"
    return "stored with a warning" if "warning" in severities else "stored"


def _outcomes(reading: "FileReading") -> dict[str, int]:
    outcomes = Counter(map(_outcome, reading.findings))
    with_warning = outcomes["stored with a warning"]
    return {
        "stored": outcomes["stored"] + with_warning,
        "stored_with_warning": with_warning,
        "quarantined": outcomes["quarantined"],
    }


def _codes(reading: "FileReading", severity: str) -> list[tuple[str, int]]:
    """How many records have each code, the most frequent first."""
    counts = Counter(
        code
        for findings in reading.findings
        for code in dict.fromkeys(found.code for found in findings if found.severity == severity)
    )
    return counts.most_common()


def print_reading(reading: "FileReading", path: Path) -> None:
    """Print the records one by one, then the sums."""
    if not reading.records:
        messages.print(escape(f"{path} holds no records, only a header"), soft_wrap=True)
        return
    for record in reading.records:
        _print_record(record, reading.counted_in)
    _print_totals(reading)
    if skipped := reading.skipped.in_words():
        results.print(Text(f"Lines that are no records: {skipped}"))
    for what, names in (
        ("Columns that the mapping does not read", reading.not_read),
        ("Columns that this file lacks", reading.absent),
        ("Fields without any value", reading.never_filled),
    ):
        if names:
            results.print(Text(f"{what}: {', '.join(names)}"))
    for sentence in (*reading.advice, _NOT_LOOKED_AT):
        results.print(Text(sentence))


def _print_record(record: "RecordReading", counted_in: str) -> None:
    outcome = _outcome(record.findings)
    style = {"quarantined": "red", "stored": "green"}.get(outcome, "yellow")
    results.print(Text.assemble(f"{counted_in} {record.line}: ", (outcome, style), style="bold"))
    raw = record.raw.replace("\t", " ⇥ ").strip()
    results.print(Text(f"  {raw}", style="dim"), no_wrap=True, overflow="ellipsis", crop=True)
    table = _table()
    for name, field in record.fields.items():
        table.add_row(Text(f"  {name}"), Text(_shown(field.value)), Text(field.why))
    if record.fields:
        results.print(table)
    for found in record.findings:
        label = (f"  {found.severity} {found.code}", _STYLES[found.severity])
        results.print(Text.assemble(label, f": {found.message}"))
    results.print()


def _table() -> Table:
    """Three columns that fit a narrow terminal: the last takes what is left."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("  field", no_wrap=True)
    table.add_column("became", overflow="fold", max_width=_VALUE_WIDTH)
    table.add_column("from", overflow="fold")
    return table


def _print_totals(reading: "FileReading") -> None:
    """What would come of all the records that were looked at, and where to find each reason."""
    outcomes = _outcomes(reading)
    warned = outcomes["stored_with_warning"]
    results.print(
        f"[bold]Of the first {len(reading.findings)} records[/bold]"
        f" {outcomes['stored']} would be stored"
        + (f" ({warned} with a warning)" if warned else "")
        + f", {outcomes['quarantined']} quarantined."
    )
    again = reading.repeated
    told_of = (
        (again.n_same, _SAME),
        (again.n_versions, _VERSIONS),
        (again.n_conflicts, _CONFLICTS),
    )
    for count, told in told_of:
        if count:
            results.print(f"{count} of these {told}.")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for severity, style in _STYLES.items():
        for code, count in _codes(reading, severity):
            line, found = _first(reading, code)
            label = Text(f"  {severity} {code}", style=style)
            place = f"first in {reading.counted_in} {line}"
            table.add_row(label, str(count), Text(f"{place}: {found.message}"))
    if table.row_count:
        results.print(table)


def _first(reading: "FileReading", code: str) -> "tuple[int, Finding]":
    return next(
        (line, found)
        for line, findings in zip(reading.lines, reading.findings, strict=True)
        for found in findings
        if found.code == code
    )


def _shown(value: Any) -> str:
    """A value as a person reads it; times with their offset, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    return f"{value:.9g}" if isinstance(value, float) else str(value)
