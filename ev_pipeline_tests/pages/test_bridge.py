"""The bridge from OCPP frames that docs/connect.md shows makes sessions that can be stored."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from docs.reference.session_schema import session_schema
from ev_pipeline_tests.pages.programs import run_program, text_of
from ev_pipeline_tests.sources.messages import decoded_rows
from ev_pipeline_tests.sources.reading import codes
from ev_pipeline_tests.sources.test_docs import wanted


def bridged(folder: Path, frames: list[str]) -> list[bytes]:
    """What the page's program makes of the frames."""
    done = run_program(folder, "ocpp_bridge.py", frames)
    assert done.returncode == 0, done.stderr
    return done.stdout.encode().splitlines()


def shown_frames() -> list[str]:
    shell = text_of("sh", "cat > frames.jsonl")
    (frames,) = re.findall(r"<<'FRAMES'\n(.*?)\nFRAMES", shell, re.DOTALL)
    return [str(line) for line in frames.splitlines()]


def test_the_page_shows_what_its_bridge_makes(tmp_path: Path) -> None:
    sessions = bridged(tmp_path, shown_frames())
    rows = [row for session in sessions for row in decoded_rows(session)]
    expected = [json.loads(line) for line in text_of("result", "").splitlines()]
    assert [codes(row) for row in rows] == [[]] * len(expected)
    assert [
        {name: row[name] for name in each} for row, each in zip(rows, expected, strict=True)
    ] == [
        {
            name: pytest.approx(value) if isinstance(value, float) else wanted(value)
            for name, value in each.items()
        }
        for each in expected
    ]
    for session in sessions:
        Draft202012Validator(session_schema()).validate(json.loads(session))


def test_an_end_whose_beginning_nobody_saw_makes_no_session(tmp_path: Path) -> None:
    ends = [line for line in shown_frames() if "StopTransaction" in line]
    assert ends
    assert bridged(tmp_path, ends) == []
