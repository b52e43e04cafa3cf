"""The checkout as the tests about it see it: tracked files, pages and the commands in them."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def tracked_files() -> list[Path]:
    """Every file that is or will be in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def pages() -> list[Path]:
    """Every page of prose."""
    return [path for path in tracked_files() if path.suffix == ".md"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command line in a page."""

    page: str
    line: str


_BLOCK: Final = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands() -> list[Command]:
    """Every line of every shell block, continued lines joined, comments left out."""
    found = []
    for page in pages():
        for block in _BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                stripped = line.split(" #")[0].strip()
                if stripped and not stripped.startswith("#"):
                    found.append(Command(str(page.relative_to(ROOT)), stripped))
    return found
