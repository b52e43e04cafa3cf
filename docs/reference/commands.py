"""A page of every command, from the definitions that `--help` is made of.

What lives here: how a command's page is laid out. What does not: any command (`ev_pipeline.cli`).
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from docs.reference.markdown import code, table
from ev_pipeline.cli.main import app as pipeline_app
from simulator.__main__ import app as simulator_app

_INTRODUCTION: Final = """\
# Commands

What `--help` says of every command. Each ends with 0 when it did what was asked, 1 when it
failed and 2 when it was asked wrongly; an error is one line on standard error. With `--json` a
command prints one JSON document on standard output, and nothing else there.
"""

_NOT_LISTED: Final = {"--install-completion", "--show-completion"}
"""Options of the library's own."""

_EXAMPLE: Final = re.compile(r"\bExample: (.+?)\.?$", re.DOTALL)


def commands_page() -> str:
    """The page's text."""
    roots = (("ev-pipeline", pipeline_app), ("python -m simulator", simulator_app))
    sections = [_section(path, command) for path, app in roots for path, command in _all(path, app)]
    return "\n".join([_INTRODUCTION, *sections])


def _all(path: str, app: typer.Typer) -> Iterator[tuple[str, Any]]:
    """Each command with its whole name, a group before its members."""
    waiting: list[tuple[str, Any]] = [(path, get_command(app))]
    while waiting:
        name, command = waiting.pop(0)
        yield name, command
        members = command.commands if isinstance(command, TyperGroup) else {}
        waiting = [(f"{name} {each}", member) for each, member in members.items()] + waiting


def _section(path: str, command: Any) -> str:
    level = "##" if isinstance(command, TyperGroup) and " -m" not in path[2:] else "###"
    prose, examples = _told(command.help or "")
    shown = [parameter for parameter in command.params if _is_listed(parameter)]
    rows = [(_name(parameter), _meaning(parameter)) for parameter in shown]
    parts = [
        f"{level} `{path}`",
        *prose,
        *([table(("argument or option", "meaning"), rows)] if rows else []),
        *(f"```sh\n{example}\n```" for example in examples),
    ]
    return "\n\n".join(parts) + "\n"


def _told(text: str) -> tuple[list[str], list[str]]:
    """What a help text says in sentences, and the command lines that it gives as examples."""
    prose, examples = [], []
    for paragraph in text.split("\n\n"):
        line = " ".join(paragraph.split())
        example = _EXAMPLE.search(line)
        if example:
            examples.append(example[1])
            line = line[: example.start()].rstrip()
        if line:
            prose.append(line)
    return prose, examples


def _is_listed(parameter: Any) -> bool:
    return not getattr(parameter, "hidden", False) and not _NOT_LISTED & set(parameter.opts)


def _name(parameter: Any) -> str:
    metavar = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return code((metavar or parameter.name.upper()).replace("|", " or "))
    if not parameter.is_flag and not metavar:
        metavar = "N" if isinstance(parameter.default, int | float) else "VALUE"
    return code(" ".join([", ".join(parameter.opts), metavar]).strip())


def _meaning(parameter: Any) -> str:
    default = parameter.default
    if isinstance(default, Enum):
        default = default.value
    told = (parameter.help or "").rstrip(".")
    if parameter.param_type_name == "option" and parameter.required:
        return f"{told}; needed."
    if default in (None, False, ()) or "by default" in told.lower():
        return f"{told}."
    return f"{told}; {_plain(default)} by default."


def _plain(value: object) -> str:
    return code(f"{value:g}" if isinstance(value, float) else str(value))
