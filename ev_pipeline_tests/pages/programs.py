"""The programs that docs/connect.md has its reader save, and run."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ev_pipeline_tests.house.repository import blocks

PAGE: Final = "docs/connect.md"

ENDED_WITHIN_S: Final = 60
"""By when a program that was given its lines has ended, s."""


def text_of(kind: str, beginning: str) -> str:
    """The page's block that begins so."""
    (found,) = [
        block.text
        for block in blocks(kind)
        if block.page == PAGE and block.text.startswith(beginning)
    ]
    return found


def run_program(
    folder: Path, name: str, lines: Iterable[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The page's program of this name has read the lines and ended."""
    program = folder / name
    program.write_text(text_of("python", f"# {name}\n"))
    return subprocess.run(
        [sys.executable, str(program)],
        input="\n".join(lines),
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_S,
        check=False,
    )
