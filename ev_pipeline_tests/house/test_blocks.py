"""Every block in a page can be read as what it says it is; those that run are run by `pages`."""

import ast
import json
import shlex
import tomllib
from collections.abc import Callable
from typing import Any, Final

import pytest

from ev_pipeline_tests.house.repository import Block, blocks

READ: Final[dict[str, Callable[[str], Any]]] = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "toml": tomllib.loads,
    "python": ast.parse,
    "sh": lambda text: shlex.split(text, comments=True),
}

INPUTS: Final = "docs/mapping.md"
"""Its data are read by a test of their own, and some are wrong on purpose."""

NEEDS_A_REASON: Final = ("c", "cpp", "yaml", "js", "sql")
"""Kinds that no test runs or reads."""


def named(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "block", blocks(*kinds), ids=lambda block: f"{block.page}:{block.line}"
    )


@named(*READ)
def test_a_block_is_what_it_says_it_is(block: Block) -> None:
    is_input = block.page == INPUTS and block.kind in {"json", "jsonl"}
    if not is_input and not (block.kind == "json" and block.why_not):
        assert READ[block.kind](block.text)


@pytest.mark.parametrize("kind", ["console", "bash", "shell", "py", ""])
def test_a_kind_of_block_has_one_name(kind: str) -> None:
    assert [f"{block.page}:{block.line}" for block in blocks(kind)] == []


@named(*NEEDS_A_REASON)
def test_a_block_that_nothing_runs_says_why(block: Block) -> None:
    assert block.why_not
