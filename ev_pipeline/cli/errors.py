"""Errors of the surroundings that reach the command's root as somebody else's exceptions.

What lives here: their one line for people. What does not: errors of ours (`domain.errors`).
"""

from typing import Final

import typer
from pydantic import ValidationError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import ENV_PREFIX, Settings

COMMAND: Final = "ev-pipeline"
"""What the command and its distribution are called."""


def of_settings(error: ValidationError) -> PipelineError | None:
    """What is wrong with which variable; null where it is not about the environment."""
    if error.title != Settings.__name__:
        return None
    first = error.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:  # about several variables, which it names itself
        return PipelineError(reason, mend="set one of them to another")
    variable = ENV_PREFIX + "_".join(map(str, first["loc"])).upper()
    return PipelineError(
        f"{variable} cannot be {first['input']!r} ({reason})", mend=f"set {variable} to another"
    )


def of_file(error: OSError) -> PipelineError:
    """Which file or directory this user cannot use."""
    return PipelineError(
        f"it cannot be used: {error.strerror}",
        mend="run as the user who made it, or name another EV_HOME",
        where=str(error.filename),
    )


def of_usage(error: typer.TyperException) -> str:
    """What is wrong with the words of the command, on one line; empty where help was shown."""
    said = " ".join(error.format_message().split()).rstrip(".")
    if not said:
        return ""
    # Usage errors carry their context; typer exports neither class.
    command = getattr(getattr(error, "ctx", None), "command_path", COMMAND)
    return f"{said[0].lower()}{said[1:]}; see `{command} --help`"
