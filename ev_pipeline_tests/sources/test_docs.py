"""Every example in docs/mapping.md is read, and comes to what the page says."""

import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.intake.load import load_file
from ev_pipeline.settings import Settings
from ev_pipeline.sources.draft.draft import draft_mapping
from ev_pipeline.sources.fields import NumberSource, TextSource, TimeSource, WeekdaySource
from ev_pipeline.sources.file_format import FileFormat
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline.sources.sections import RegistryFields, SessionFields, StationHints
from ev_pipeline.sources.verdicts import Finding, verdicts
from ev_pipeline_tests.sources.reading import RECEIVED_AT, codes, frame

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"

BASE: dict[str, Any] = {
    "name": "example",
    "title": "An example",
    "records": "session",
    "file": {},
    "fields": {
        "station_id": "Station",
        "started_at": {"column": "Start", "format": "iso"},
        "ended_at": {"column": "End", "format": "iso"},
        "energy_kwh": "kWh",
    },
}
"""What the page tells its reader to think of as the rest."""


class Example(NamedTuple):
    heading: str
    toml: str
    suffix: str
    content: bytes
    kind: str
    option: str
    expected: str


OUTCOMES = ("result", "draft", "check", "error", "loaded")


def examples(*kinds: str) -> list[Example]:
    """The page's examples whose outcome is of these kinds, each with what stands before it."""
    found = []
    heading, toml, suffix, content = "", "", "", b""
    pattern = r"^#+ ([^\n]+)$|^```(\w+) ?(\S*)\n(.*?)^```$"
    for title, kind, option, body in re.findall(
        pattern, PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        if title:
            heading = title
        elif kind == "toml":
            toml = body
        elif kind in OUTCOMES:
            found.append(Example(heading, toml, suffix, content, kind, option, body))
        else:
            suffix, content = kind, body.encode(option or "utf-8")
    return [example for example in found if example.kind in kinds]


def named(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", examples(*kinds), ids=lambda example: example.heading)


def written(folder: Path, example: Example) -> Path:
    path = folder / f"my_export.{example.suffix}"
    path.write_bytes(example.content)
    return path


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def completed(toml: str) -> str:
    """The mapping of an example, with the rest that its reader thinks of."""
    document = tomllib.loads(toml)
    if "name" in document:
        return toml
    base = BASE if document.get("records", "session") == "session" else {**BASE, "fields": {}}
    sections = {
        key: {**base.get(key, {}), **value}
        for key, value in document.items()
        if key in ("file", "fields")
    }
    whole = {**base, **document, **sections}
    return "\n".join(f"{key} = {as_toml(value)}" for key, value in whole.items())


def mapping_of(example: Example) -> Mapping:
    return parse_mapping(completed(example.toml), where=str(PAGE))


def found(row: dict[str, Any], findings: list[Finding], field: str) -> Any:
    if field == "problems":
        return codes(row)
    if field == "warnings":
        return [finding.code for finding in findings if finding.severity == "warning"]
    return row[field]


def wanted(value: Any) -> Any:
    is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value)
    return datetime.fromisoformat(value) if is_time else value


def test_every_section_has_an_example() -> None:
    without = {
        "Where to look",
        "How to read the examples",
        "All keys at the top",
        "What it cannot say",
        "When it does not work",
    }
    text = PAGE.read_text(encoding="utf-8")
    sections = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    parts = {
        part.split("\n")[0]
        for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        if re.search(r"^```toml", part, re.MULTILINE)
    }
    assert sections - parts == without


@named("result")
def test_an_example_comes_to_what_the_page_says(tmp_path: Path, example: Example) -> None:
    mapping = mapping_of(example)
    read = frame(tmp_path, example.content, mapping)
    judged = verdicts(read, mapping, Settings(), RECEIVED_AT)
    expected = [json.loads(line) for line in example.expected.splitlines()]
    for row, findings, values in zip(read.to_dicts(), judged, expected, strict=True):
        assert {field: found(row, findings, field) for field in values} == {
            field: pytest.approx(value) if isinstance(value, float) else wanted(value)
            for field, value in values.items()
        }


@named("draft")
def test_the_draft_is_what_the_page_shows(tmp_path: Path, example: Example) -> None:
    assert draft_mapping(written(tmp_path, example)) == example.expected


@named("check")
def test_the_check_prints_what_the_page_shows(tmp_path: Path, example: Example) -> None:
    mapping = tmp_path / "my_export.toml"
    mapping.write_text(example.toml)
    path = written(tmp_path, example)
    command = [sys.executable, "-m", "ev_pipeline.cli.main", "sources", "check"]
    done = subprocess.run(
        [*command, str(mapping), str(path), "--rows", example.option],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines == example.expected.splitlines()


@named("error")
def test_a_refused_file_is_told_as_the_page_says(tmp_path: Path, example: Example) -> None:
    with pytest.raises(PipelineError) as refused:
        frame(tmp_path, example.content, mapping_of(example))
    assert f"{refused.value.what}; {refused.value.mend}\n" == example.expected


@named("loaded")
def test_a_loaded_example_is_counted_as_the_page_says(
    tmp_path: Path, engine: sa.Engine, settings: Settings, example: Example
) -> None:
    tally = load_file(engine, settings, mapping_of(example), written(tmp_path, example)).tally
    expected = json.loads(example.expected)
    reasons = expected.pop("reasons")
    assert {name: getattr(tally.counts, name) for name in expected} == expected
    assert dict(tally.reasons) == reasons


@pytest.mark.parametrize(
    "model",
    [
        *(Mapping, FileFormat, SessionFields, RegistryFields, StationHints),
        *(TextSource, NumberSource, TimeSource, WeekdaySource),
    ],
)
def test_the_page_names_every_key(model: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")
    keys = set(model.model_fields) - {"text", "variants"}
    said = {*re.findall(r"[`\[](\w+)[`\]]", page), *re.findall(r"(\w+) =", page)}
    assert keys - said == set()
