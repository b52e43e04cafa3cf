"""Whoever does what the pages say, block by block, gets what they say."""

import json
from collections.abc import Iterator
from typing import Final

import pytest

from ev_pipeline_tests.house.repository import Block, blocks
from ev_pipeline_tests.pages.reader import Reader, reading
from ev_pipeline_tests.real_data import real_file

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

FIRST: Final = (
    "README.md",
    "docs/load.md",
    "docs/predict.md",
    "docs/operate.md",
    "docs/connect.md",
)
"""Pages in the order in which a newcomer reads them; the others follow."""

GENERATED: Final = "docs/commands.md"
"""Its examples name files of whoever reads it; that they parse is tested with the others."""

REAL: Final = ("docs/load.md", "dundee", "cp-data-dec-mar-2018.csv")
"""A page that loads a real set, and the set."""


def runnable() -> dict[str, list[Block]]:
    """The blocks that run, by page."""
    found: dict[str, list[Block]] = {page: [] for page in FIRST}
    for block in blocks("sh", "python"):
        if block.why_not is None and block.page != GENERATED:
            found.setdefault(block.page, []).append(block)
    return {page: listed for page, listed in found.items() if listed}


def example(page: str, beginning: str) -> str:
    """The page's JSON that begins so."""
    return next(
        block.text
        for block in blocks("json")
        if block.page == page and block.text.startswith(beginning)
    )


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    session = example("docs/messages.md", '{"session_id": "c1b7"')
    files = {
        "session.json": session,
        "sessions.json": json.dumps([json.loads(session)]),
        "depots.csv": "name,source,scope\ndepot-9,,\ndepot-10,dundee,north\n",
        "cdr.json": example("docs/messages.md", '{"country_code"'),
    }
    with reading(files) as somebody:
        yield somebody


@pytest.mark.parametrize("page", runnable())
def test_a_page_does_what_it_says(reader: Reader, page: str) -> None:
    if page == REAL[0]:
        (reader.folder / REAL[2]).symlink_to(real_file(*REAL[1:]))
    done = reader.does(runnable()[page])
    assert done.returncode == 0, done.stderr[-3000:]
