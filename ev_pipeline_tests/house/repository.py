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

_HERE_TEXT: Final = re.compile(r" <<'(\w+)'\n.*?^\1$", re.DOTALL | re.MULTILINE)
"""What a command reads from the lines after it."""


def commands() -> list[Command]:
    """Every line of every shell block, continued lines joined, comments left out."""
    found = []
    for page in pages():
        for block in _BLOCK.findall(page.read_text()):
            for line in _HERE_TEXT.sub("", block).replace("\\\n", " ").splitlines():
                stripped = line.split(" #")[0].strip()
                if stripped and not stripped.startswith("#"):
                    found.append(Command(str(page.relative_to(ROOT)), stripped))
    return found


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page.

    Args:
        page: the page, as seen from the checkout.
        line: the line on which it opens.
        kind: the language that it names.
        text: what stands in it.
        why_not: why no test runs or reads it; null where one does.
    """

    page: str
    line: int
    kind: str
    text: str
    why_not: str | None


_ANY_BLOCK: Final = re.compile(
    r"^(?:<!-- not run: ([^\n]+) -->\n)?^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE
)


def blocks(*kinds: str) -> list[Block]:
    """Every fenced block of these kinds in a page, in the pages' order."""
    return [
        Block(
            str(page.relative_to(ROOT)),
            text[: found.start(2)].count("\n") + 1,
            found[2],
            found[3],
            found[1],
        )
        for page in pages()
        for text in [page.read_text(encoding="utf-8")]
        for found in _ANY_BLOCK.finditer(text)
        if found[2] in kinds
    ]
