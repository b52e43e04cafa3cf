"""Every example in docs/mapping.md is read, and comes to what the page says."""

import json
import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ev_pipeline.sources.fields import RegistryFields, SessionFields, StationHints
from ev_pipeline.sources.file_format import FileFormat
from ev_pipeline.sources.mapping import Mapping, parse_mapping
from ev_pipeline_tests.sources.reading import codes, frame

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
    content: bytes
    expected: list[dict[str, Any]]


def examples() -> list[Example]:
    found = []
    heading, toml, content = "", "", b""
    pattern = r"^#+ ([^\n]+)$|^```(\w+) ?(\S*)\n(.*?)^```$"
    for title, kind, encoding, body in re.findall(
        pattern, PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        if title:
            heading = title
        elif kind == "toml":
            toml = body
        elif kind == "result":
            expected = [json.loads(line) for line in body.splitlines()]
            found.append(Example(heading, toml, content, expected))
        else:
            content = body.encode(encoding or "utf-8")
    return found


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def completed(toml: str) -> Mapping:
    """The mapping of an example, with the rest that its reader thinks of."""
    document = tomllib.loads(toml)
    if "name" not in document:
        base = BASE if document.get("records", "session") == "session" else {**BASE, "fields": {}}
        sections = {
            key: {**base.get(key, {}), **value}
            for key, value in document.items()
            if key in ("file", "fields")
        }
        toml = "\n".join(
            f"{key} = {as_toml(value)}" for key, value in {**base, **document, **sections}.items()
        )
    return parse_mapping(toml, where=str(PAGE))


def found(row: dict[str, Any], field: str) -> Any:
    if field == "problems":
        return codes(row)
    return row[field]


def wanted(value: Any) -> Any:
    is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value)
    return datetime.fromisoformat(value) if is_time else value


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.heading)
def test_an_example_comes_to_what_the_page_says(tmp_path: Path, example: Example) -> None:
    rows = frame(tmp_path, example.content, completed(example.toml)).to_dicts()
    assert len(rows) == len(example.expected)
    for row, expected in zip(rows, example.expected, strict=True):
        values = {field: found(row, field) for field in expected}
        assert values == {
            field: pytest.approx(value) if isinstance(value, float) else wanted(value)
            for field, value in expected.items()
        }


@pytest.mark.parametrize(
    "model", [Mapping, FileFormat, SessionFields, RegistryFields, StationHints]
)
def test_the_page_names_every_key(model: Any) -> None:
    page = PAGE.read_text(encoding="utf-8")
    keys = set(model.model_fields) - {"text", "variants"}
    assert {key for key in keys if key not in page} == set()
