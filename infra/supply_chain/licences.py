"""The licences of everything in the lock files: `python -m infra.supply_chain.licences`.

What lives here: reading what each package states, and which licences are fine. What does not: what
operating systems bring.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from types import MappingProxyType
from typing import Final

from infra.supply_chain.locked import locked_npm, locked_python

PERMISSIVE: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0"),
        *("CC-BY-3.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense"),
        "Zlib",
    }
)
WEAK_COPYLEFT: Final = frozenset({"Artistic-2.0", "EPL-2.0", "LGPL-3.0-or-later", "MPL-2.0"})
"""Changes to the package itself are to be given on; what uses it is not touched."""

_SPDX_OF: Final = MappingProxyType(
    {
        "MIT License": "MIT",
        "BSD License": "BSD-3-Clause",
        "BSD": "BSD-3-Clause",
        "3-Clause BSD License": "BSD-3-Clause",
        "Apache Software License": "Apache-2.0",
        "Python Software Foundation License": "PSF-2.0",
        "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
        "ISC License (ISCL)": "ISC",
        "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    }
)
"""Older words of Python packages. "BSD" leaves open which: each is permissive."""

_STATED_ELSEWHERE: Final = MappingProxyType(
    {
        "axe-playwright-python": ("MIT", "the LICENSE file of its repository"),
        "colorama": ("BSD-3-Clause", "its LICENSE.txt; on Windows only"),
        "pyreadline3": ("BSD-3-Clause", "its LICENSE.md; on Windows only"),
        "pywin32": ("PSF-2.0", "its classifiers; on Windows only"),
        "busboy": ("MIT", "licenses in its package.json"),
        "cli-table": ("MIT", "its README"),
        "passport-http-bearer": ("MIT", "licenses in its package.json"),
        "passport-oauth2-client-password": ("MIT", "licenses in its package.json"),
        "passport-strategy": ("MIT", "licenses in its package.json"),
        "pause": ("MIT", "its Readme.md"),
        "qrcode-terminal": ("Apache-2.0", "licenses in its package.json"),
        "streamsearch": ("MIT", "licenses in its package.json"),
    }
)
"""Packages whose metadata states none in today's form, with what was read where."""


@dataclass(frozen=True)
class Licensed:
    """A locked package and its licence.

    Args:
        name: the package.
        licence: an SPDX expression; empty where none is known.
        ecosystem: Python or npm.
    """

    name: str
    licence: str
    ecosystem: str

    @property
    def is_fine(self) -> bool:
        """Whether we and whoever installs this may use it beside code of any licence."""
        return is_fine(self.licence)


def is_fine(expression: str) -> bool:
    """Whether all that an SPDX expression demands is permissive, or copyleft of itself only.

    Nested brackets are not understood, and so not fine: such a package is to be looked at.
    """
    choices = expression.removeprefix("(").removesuffix(")").split(" OR ")
    known = PERMISSIVE | WEAK_COPYLEFT
    return any(all(term in known for term in choice.split(" AND ")) for choice in choices)


def packages() -> Iterator[Licensed]:
    """Every package of both lock files."""
    for name in locked_python():
        yield Licensed(name, _stated(name) or _of_python(name), "Python")
    for place, package in locked_npm().items():
        name = place.rpartition("node_modules/")[2]
        yield Licensed(name, str(package.get("license") or _stated(name)), "npm")


def _stated(name: str) -> str:
    return _STATED_ELSEWHERE.get(name, ("", ""))[0]


def _of_python(name: str) -> str:
    """What the installed package states: an expression, else classifiers, else the old field."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return ""
    if "License-Expression" in stated:
        return stated["License-Expression"]
    classifiers = [
        found[1]
        for line in stated.get_all("Classifier") or []
        if (found := re.fullmatch(r"License :: OSI Approved :: (.+)", line))
    ]
    words = classifiers or [line.partition("\n")[0] for line in stated.get_all("License") or [""]]
    return " OR ".join(_SPDX_OF.get(word, word) for word in words)


def main() -> int:
    """Print every licence with its packages, and those that are not fine.

    Returns:
        1 where there is one that is not fine, else 0.
    """
    by_licence: dict[str, set[str]] = defaultdict(set)
    found = list(packages())
    for each in found:
        by_licence[each.licence or "unknown"].add(each.name)
    for licence, names in sorted(by_licence.items(), key=lambda pair: -len(pair[1])):
        sys.stdout.write(f"{licence} ({len(names)}): {', '.join(sorted(names))}\n")
    wrong = sorted(
        {(each.name, each.licence, each.ecosystem) for each in found if not each.is_fine}
    )
    for name, licence, ecosystem in wrong:
        sys.stderr.write(
            f"error: {name} ({ecosystem}): {licence or 'unknown'} is neither permissive nor weak "
            "copyleft; replace it, or record in infra/supply_chain/licences.py what it states\n"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
