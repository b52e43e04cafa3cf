"""A reader who does what the pages say, in a folder that looks like a checkout.

What lives here: the folder, its filled stack, and running a page's blocks. What does not: which
pages there are (`house.repository`).
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ev_pipeline.stack.binaries import find_binaries
from ev_pipeline_tests.conftest import quick_home
from ev_pipeline_tests.house.repository import ROOT, Block
from ev_pipeline_tests.stack.local_stack import STOPPED_WITHIN_S, LocalStack
from ev_pipeline_tests.stack.processes import wait_until

PAGE_WITHIN_S: Final = 600
"""By when a page's blocks have run, s: some of them train."""

_SAMPLE: Final = "canonical_stations:data/stations.csv canonical:data/sessions.csv"

_FILE: Final = re.compile(r"# (\S+\.py)\n")
"""A first line that names the file as which the page has its reader save a block."""


@dataclass(frozen=True)
class Reader:
    """Somebody with a checkout whose demo runs.

    Args:
        folder: the checkout.
        stack: what runs in it.
    """

    folder: Path
    stack: LocalStack

    @property
    def environment(self) -> dict[str, str]:
        """What the reader's shell has: programs on its path, and ports of its own."""
        programs = [Path(sys.executable).parent, ROOT / ".venv/bin"]
        programs.append(find_binaries(None, account=None).directory)
        path = ":".join([*map(str, programs), os.environ["PATH"]])
        return {**self.stack.environment, "PATH": path, "EV_BOOTSTRAP": _SAMPLE}

    def does(self, blocks: list[Block]) -> subprocess.CompletedProcess[str]:
        """The blocks of a page were done one after another, in one shell, up to a failure."""
        lines = ["set -eo pipefail"]
        for block in blocks:
            file = _FILE.match(block.text)
            if file:
                (self.folder / file[1]).write_text(block.text)
                continue
            lines.append(f"echo '@@ line {block.line}' >&2")
            is_shell = block.kind == "sh"
            lines.append(block.text if is_shell else f"python - <<'PYTHON'\n{block.text}PYTHON")
        script = "\n".join(lines)
        script = script.replace("/var/backups", str(self.folder))
        if "VERSION" in script:
            script = script.replace("VERSION", self.version)
        return subprocess.run(
            ["/usr/bin/env", "bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PAGE_WITHIN_S,
            check=False,
        )

    @property
    def version(self) -> str:
        """A version of the registry: one beside the champion where there is one."""
        listed = json.loads(self.stack.run("models", "list", "--json").stdout)
        return str(min(listed, key=lambda each: bool(each["is_champion"]))["version"])


@contextlib.contextmanager
def reading(files: dict[str, str]) -> Iterator[Reader]:
    """Within, somebody has done what README begins with.

    Args:
        files: what else lies in the checkout, by name.
    """
    folder = quick_home()
    for path in ROOT.iterdir():
        if not path.name.startswith(".ev"):
            (folder / path.name).symlink_to(path)
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / ".ev").mkdir(mode=0o755)
    stack = LocalStack(folder / ".ev")
    try:
        stack.start()
        reader = Reader(folder, stack)
        filled = subprocess.run(
            [*stack.program, "run", "bootstrap", "--json"],
            cwd=folder,
            env=reader.environment,
            capture_output=True,
            text=True,
            timeout=PAGE_WITHIN_S,
            check=False,
        )
        assert filled.returncode == 0, filled.stderr
        assert json.loads(filled.stdout)
        yield reader
    finally:
        stack.run("down")
        wait_until(lambda: not stack.processes(), within_s=STOPPED_WITHIN_S)
        shutil.rmtree(folder)
