"""What the generated parts of the documentation say, and where they stand.

What lives here: the pages of codes and settings, and the list of all generated files.
What does not: the other pages, a module each, and any sentence that a person wrote.
"""

from pathlib import Path
from typing import Final

from docs.reference.commands import commands_page
from docs.reference.lineage import lineage_svg
from docs.reference.markdown import code, table
from docs.reference.payloads import payloads_page
from docs.reference.session_schema import session_schema_text
from docs.reference.tables import tables_page
from docs.reference.topics import topics_page
from ev_pipeline.domain.codes import CODES, Code, Severity
from ev_pipeline.ocpi_settings import OcpiSettings
from ev_pipeline.settings import ENV_PREFIX, Limits, Settings

DOCS: Final = Path(__file__).parents[1]

_CODES_INTRODUCTION: Final = """\
# What can be said of a record

Every code that `load`, the ledger, `quality_codes` and the quarantine use, in the order in which
the codes of one record are listed. † marks a recommended parameter of the EV Charging Use Data
Specification (Atlas Public Policy). Limits are [settings](settings.md).
"""

_SETTINGS_INTRODUCTION: Final = """\
# Settings

Every setting is an environment variable; defaults suit one machine. A local stack
[remembers](operate.md#start-and-stop) which reporting zone, currency, operator, ports and names
it was last started with. After a change of any other, stop the stack and start it again.
"""

_HEADINGS: Final = {
    Severity.ERROR: ("Errors", "The record goes to quarantine, with all its reasons."),
    Severity.WARNING: ("Warnings", "The session is stored and flagged; no model trains on it."),
    Severity.NOTE: ("Notes", "The session is stored, and the code is recorded with it."),
}


def pages() -> dict[Path, str]:
    """The whole text of every file that is generated, by its path."""
    texts = {
        "codes.md": _codes_page(),
        "commands.md": commands_page(),
        "lineage.svg": lineage_svg(),
        "payloads.md": payloads_page(),
        "session.schema.json": session_schema_text(),
        "settings.md": _settings_page(),
        "tables.md": tables_page(),
        "topics.md": topics_page(),
    }
    return {DOCS / name: text for name, text in texts.items()}


def _codes_page() -> str:
    sections = [_CODES_INTRODUCTION]
    for severity, (title, meaning) in _HEADINGS.items():
        rows = [_code_row(each) for each in CODES if each.severity is severity]
        listed = table(("code", "what it says", "setting"), rows)
        sections.append(f"## {title}\n\n{meaning}\n\n{listed}\n")
    return "\n".join(sections)


def _code_row(each: Code) -> tuple[str, str, str]:
    limit = getattr(Limits(), each.limit) if each.limit else None
    mark = " †" if each.is_recommended else ""
    sentence = each.sentence.format(limit=_plain(limit))
    return f"{code(each.name)}{mark}", sentence, code(_variable(each.limit) if each.limit else "")


def _settings_page() -> str:
    shared = {**Limits.model_fields, **OcpiSettings.model_fields}
    own = [name for name in Settings.model_fields if name not in shared]
    parts = [
        _SETTINGS_INTRODUCTION,
        _settings_table(own),
        "\n## Limits\n",
        "Beyond them a record is refused or flagged: [the codes](codes.md).\n",
        _settings_table(list(Limits.model_fields)),
        "\n## OCPI\n",
        "What [exported CDRs](export.md#ocpi-charge-detail-records) say where nothing else does.\n",
        _settings_table(list(OcpiSettings.model_fields)),
    ]
    return "\n".join(parts) + "\n"


def _settings_table(names: list[str]) -> str:
    rows = []
    for name in names:
        field = Settings.model_fields[name]
        default = "" if field.default in {None, ""} else code(_plain(field.default))
        rows.append((code(_variable(name)), default, field.description or ""))
    return table(("variable", "default", "meaning"), rows)


def _variable(name: str) -> str:
    return f"{ENV_PREFIX}{name.upper()}"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
