"""What the generated parts of the documentation say, and where they stand.

What lives here: tables of codes and settings, and the list of all generated files.
What does not: the picture of the lineage (`lineage`), or any sentence that a person wrote.
"""

from pathlib import Path
from typing import Final

from docs.reference.lineage import lineage_svg
from ev_pipeline.domain.codes import CODES, Code, Severity
from ev_pipeline.settings import ENV_PREFIX, Limits, Settings

DOCS: Final = Path(__file__).parents[1]

_CODES_INTRODUCTION: Final = """\
# What can be said of a record

Every code that `load`, the ledger, `quality_codes` and the quarantine use, in the order in which
the codes of one record are listed. † marks a recommended parameter of the EV Charging Use Data
Specification (Atlas Public Policy). Limits are settings: [how to change them](operate.md#settings).
"""

_HEADINGS: Final = {
    Severity.ERROR: ("Errors", "The record goes to quarantine, with all its reasons."),
    Severity.WARNING: ("Warnings", "The session is stored and flagged; no model trains on it."),
    Severity.NOTE: ("Notes", "The session is stored, and the code is recorded with it."),
}


def pages() -> dict[Path, str]:
    """The whole text of every file that has a generated part, by its path."""
    operate = DOCS / "operate.md"
    return {
        DOCS / "codes.md": _codes_page(),
        operate: _between(operate.read_text(), "settings", _settings_table()),
        DOCS / "lineage.svg": lineage_svg(),
    }


def _codes_page() -> str:
    sections = [_CODES_INTRODUCTION]
    for severity, (title, meaning) in _HEADINGS.items():
        rows = [_code_row(code) for code in CODES if code.severity is severity]
        table = "\n".join(["| code | what it says | setting |", "|---|---|---|", *rows])
        sections.append(f"## {title}\n\n{meaning}\n\n{table}\n")
    return "\n".join(sections)


def _code_row(code: Code) -> str:
    limit = getattr(Limits(), code.limit) if code.limit else None
    mark = " †" if code.is_recommended else ""
    setting = f"`{_variable(code.limit)}`" if code.limit else ""
    return f"| `{code.name}`{mark} | {code.sentence.format(limit=_plain(limit))} | {setting} |"


def _settings_table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    own = [name for name in Settings.model_fields if name not in Limits.model_fields]
    for name in [*own, *Limits.model_fields]:
        field = Settings.model_fields[name]
        default = "" if field.default in {None, ""} else f"`{_plain(field.default)}`"
        rows.append(f"| `{_variable(name)}` | {default} | {field.description} |")
    return "\n".join(rows)


def _variable(name: str) -> str:
    return f"{ENV_PREFIX}{name.upper()}"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _between(text: str, mark: str, inner: str) -> str:
    start, end = f"<!-- {mark}: generated -->\n", f"<!-- {mark}: end -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{inner}\n\n{end}{rest.split(end)[1]}"
