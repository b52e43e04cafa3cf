"""Every example in docs/messages.md is decoded, and comes to what the page says."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from docs.reference.session_schema import session_schema
from ev_pipeline.domain.identity import session_ids
from ev_pipeline.domain.session import SESSION_FIELDS
from ev_pipeline.domain.validation import describe, validate
from ev_pipeline.settings import Limits
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline.sources.payloads.messages import UNBOUND, Binding
from ev_pipeline_tests.sources.messages import SESSION, decoded_rows, groups
from ev_pipeline_tests.sources.reading import RECEIVED_AT, codes
from ev_pipeline_tests.sources.test_docs import wanted

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"
BLOCK = re.compile(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    heading: str
    payload: bytes
    binding: Binding
    kind: str
    expected: str


def examples() -> list[Example]:
    found, heading, payload, binding = [], "", b"", UNBOUND
    for title, kind, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if title:
            heading, binding = title, UNBOUND
        elif kind == "toml":
            binding = Binding(parse_mapping(body, where=str(PAGE)))
        elif kind == "json":
            payload = body.encode()
        elif kind in ("result", "rejection"):
            found.append(Example(heading, payload, binding, kind, body))
    return found


def of_kind(kind: str) -> list[Example]:
    return [example for example in examples() if example.kind == kind]


@pytest.mark.parametrize("example", of_kind("result"), ids=lambda example: example.heading)
def test_an_example_comes_to_what_the_page_says(example: Example) -> None:
    expected = [json.loads(line) for line in example.expected.splitlines()]
    rows = decoded_rows(example.payload, binding=example.binding)
    found = [
        {name: codes(row) if name == "problems" else row[name] for name in wanted_row}
        for row, wanted_row in zip(rows, expected, strict=True)
    ]
    assert found == [{name: wanted(value) for name, value in row.items()} for row in expected]


def test_a_rejection_says_what_the_page_says() -> None:
    (example,) = of_kind("rejection")
    said = json.loads(example.expected)
    (group,) = groups(example.payload)
    limits = Limits()
    stations = pl.DataFrame(
        schema={"station_id": pl.String, "is_registered": pl.Boolean, "power_kw": pl.Float64}
    )
    judged = validate(
        group.batch.frame,
        stations=stations,
        limits=limits,
        received_at=RECEIVED_AT,
        resolution_s=group.mapping.resolution_s,
    )
    reasons = [
        {
            **{name: text for name, text in reason.items() if text is not None},
            "message": describe(reason["code"], reason["field"], reason["value"], limits),
        }
        for reason in judged["errors"].item()
    ]
    assert said["reasons"] == reasons
    assert said["source_session_id"] == group.batch.frame["source_session_id"].item()
    (session_id,) = session_ids(group.batch.frame, scope="default", key_has_end=False)
    assert said["session_id"] == session_id
    assert said["payload_sha256"] == hashlib.sha256(example.payload).hexdigest()


def test_the_page_names_every_field() -> None:
    page = PAGE.read_text(encoding="utf-8")
    names = {"session_id" if f.name == "source_session_id" else f.name for f in SESSION_FIELDS}
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(
    ("fields", "is_valid"),
    [
        ({}, True),
        ({"energy_kwh": "12.4", "station_id": 51356, "cost": None}, True),
        ({"another_key": [1]}, True),
        ({"started_at": "2026-05-04 08:12:00+0100"}, True),
        ({"started_at": "2026-05-04T08:12:00"}, False),
        ({"started_at": 1777878720}, False),
        ({"energy_kwh": "12,4"}, False),
        ({"energy_kwh": True}, False),
        ({"user_id": ["U-17"]}, False),
    ],
    ids=str,
)
def test_the_schema_of_a_session_allows_what_can_be_read(
    fields: dict[str, Any], *, is_valid: bool
) -> None:
    session = {**SESSION, **fields}
    schema = session_schema()
    Draft202012Validator.check_schema(schema)
    assert Draft202012Validator(schema).is_valid(session) == is_valid
    (row,) = decoded_rows(json.dumps(session).encode())
    assert (codes(row) == []) == is_valid
