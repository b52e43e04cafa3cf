"""From a checkout to a folder of web pages.

What lives here: running the builder. What does not: what it is given (`docs.site.pages`).
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from docs.site.pages import Staging

CONFIGURATION: Final = "zensical.toml"

_STAGED: Final = Path("build/docs")

_CRASH: Final = "Traceback (most recent call last)"
"""With which the builder ends after it has said what is wrong."""


def build(root: Path, place: Path) -> int:
    """The site stands in `place/site`, or what is wrong with it was told; the exit code.

    Args:
        root: the checkout.
        place: the folder in which pages are gathered and the site is made.
    """
    staged = place / _STAGED
    shutil.rmtree(staged, ignore_errors=True)
    Staging(root, staged).write()
    if place != root:
        shutil.copy(root / CONFIGURATION, place)
    builder = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file"]
    done = subprocess.run(  # noqa: S603 -- our own command line
        [*builder, str(place / CONFIGURATION)],
        cwd=place,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told = done.stdout.partition(_CRASH)[0]
    sys.stderr.write(
        told
        if done.returncode
        else "the site is in site/; to read it: python -m http.server -d site\n"
    )
    return min(done.returncode, 1)
