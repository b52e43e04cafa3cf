"""Pages say what is true: their commands exist, their links lead somewhere, tables are current."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from docs.reference.pages import pages as generated_pages
from ev_pipeline.cli.main import app as pipeline_app
from ev_pipeline_tests.house.repository import ROOT, Command, commands, pages
from simulator.__main__ import app as simulator_app

ANYWHERE = {
    "echo",
    *("cd", "mkdir", "export", "git", "psql", "set", ".", "ls", "cat", "apt-get", "sudo", "docker"),
    *("mosquitto_pub", "mosquitto_sub", "cp", "mv", "tee"),
}
"""Programs that are not ours."""


def problem_with(group: TyperGroup, words: Sequence[str]) -> str | None:
    """What is wrong with a command line of ours, by the command's own definition."""
    command: Any = group
    options = list(command.params)
    rest = list(words)
    while isinstance(command, TyperGroup) and rest:
        if rest[0].startswith("-"):
            break
        name = rest.pop(0)
        if name not in command.commands:
            return f"no command {name!r} in {command.name}"
        command = command.commands[name]
        options += command.params
    known = {name for option in options for name in [*option.opts, *option.secondary_opts]}
    flags = {word.split("=")[0] for word in rest if word.startswith("-") and word != "-"}
    unknown = flags - known - {"--help", "-h"}
    return f"no option {sorted(unknown)} in {command.name}" if unknown else None


def problem(line: str) -> str | None:
    words = shlex.split(line)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if not words or words[0].removeprefix(".venv/bin/") in ANYWHERE:
        return None
    program = words[0].removeprefix(".venv/bin/")
    if program == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        asked = [word for word in words[1:] if "=" not in word]
        missing = set(asked) - targets
        return f"no target {sorted(missing)}" if missing else None
    if program == "ev-pipeline":
        return problem_with(group_of(pipeline_app), words[1:])
    if words[1:3] == ["-m", "simulator"]:
        return problem_with(group_of(simulator_app), words[3:])
    if program in {"python", "pytest", "pre-commit"} or (ROOT / program).is_file():
        return None
    return f"unknown program {program!r}"


def group_of(app: Any) -> TyperGroup:
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    return command


@pytest.mark.parametrize(
    "command", commands(), ids=lambda command: f"{command.page}: {command.line}"
)
def test_a_command_in_a_page_exists_with_its_options(command: Command) -> None:
    for part in re.split(r"\s(?:&&|\|)\s", command.line):
        assert problem(part) is None


def test_a_command_that_does_not_exist_is_found() -> None:
    assert problem("make no-such-target") is not None
    assert problem("ev-pipeline no-such-command") is not None
    assert problem(".venv/bin/python -m simulator generate --no-such-option") is not None
    assert problem("no-such-program") is not None


def links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_what_is_generated_is_current_else_run_make_docs() -> None:
    stale = [path.name for path, text in generated_pages().items() if path.read_text() != text]
    assert not stale
