"""When what we depend on was last released: `python -m infra.supply_chain.releases`.

What lives here: asking the indexes through uv and npm, and the table in `docs/supply-chain.md`.
What does not: packages that others bring along, or that operating systems have.
"""

import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from infra.supply_chain.locked import ROOT, ask, direct_npm, direct_python, npm, uv

OLDEST: Final = timedelta(days=2 * 365)
"""A package without a release for so long counts as given up."""

PAGE: Final = ROOT / "docs" / "supply-chain.md"
_BEGIN: Final = "<!-- releases: recorded -->\n"
_END: Final = "<!-- releases: end -->"


@dataclass(frozen=True, order=True)
class Release:
    """The newest release of a package.

    Args:
        ecosystem: Python or npm.
        name: the package.
        version: of the newest release.
        released_at: when it came out, UTC.
    """

    ecosystem: str
    name: str
    version: str
    released_at: datetime

    def is_given_up(self, now: datetime) -> bool:
        """Whether that is too long ago."""
        return now - self.released_at > OLDEST


def python_releases(names: list[str]) -> Iterator[Release]:
    """The newest release of each, as uv resolves it without looking at any other.

    Raises:
        PipelineError: the index cannot be asked.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text("\n".join(names))
        lock = Path(folder) / "pylock.toml"
        command = [uv(), "pip", "compile", "--quiet", "--no-deps", "--format", "pylock.toml"]
        asked = ask([*command, "--output-file", str(lock), str(wanted)])
        if asked.returncode != 0:
            raise _unreachable("uv", asked.stderr)
        document = tomllib.loads(lock.read_text())
    for package in document["packages"]:
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        newest = max(file["upload-time"] for file in files)
        yield Release("Python", package["name"], package["version"], newest.astimezone(UTC))


def npm_releases(names: list[str]) -> Iterator[Release]:
    """The newest release of each.

    Raises:
        PipelineError: the index cannot be asked.
    """
    for name in names:
        asked = ask([*npm(), "view", name, "dist-tags.latest", "time", "--json"])
        if asked.returncode != 0:
            raise _unreachable("npm", asked.stderr)
        told: dict[str, Any] = json.loads(asked.stdout)
        version = told["dist-tags.latest"]
        times = {each: at for each, at in told["time"].items() if each[0].isdigit()}
        yield Release("npm", name, version, datetime.fromisoformat(max(times.values())))


def _unreachable(client: str, said: str) -> PipelineError:
    reason = next((line for line in said.splitlines() if line.strip()), "it says no more")
    return PipelineError(
        f"{client} could not ask the package index ({reason})", mend="check the network"
    )


def table(releases: list[Release], now: datetime) -> str:
    """The page's table, with the day on which the indexes were asked."""
    rows = [
        f"| {each.name} | {each.ecosystem} | {each.version} | {each.released_at:%Y-%m-%d} |"
        for each in sorted(releases)
    ]
    head = (
        f"Asked on {now:%Y-%m-%d}.\n\n| package | from | newest release | of |\n|---|---|---|---|"
    )
    return "\n".join([head, *rows])


def record(text: str) -> None:
    """The page holds this table in place of the one before."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    PAGE.write_text(f"{before}{_BEGIN}\n{text}\n\n{_END}{rest.partition(_END)[2]}")


def main() -> int:
    """Ask, record, and name what was not released for too long.

    Returns:
        1 where there is such a package, or an index cannot be asked, else 0.
    """
    now = datetime.now(UTC)
    try:
        releases = [*python_releases(direct_python()), *npm_releases(direct_npm())]
    except PipelineError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    record(table(releases, now))
    old = [each for each in sorted(releases) if each.is_given_up(now)]
    for each in old:
        sys.stderr.write(
            f"error: {each.name} ({each.ecosystem}): the newest release, {each.version}, is of "
            f"{each.released_at:%Y-%m-%d}; replace it, or record the reason in {PAGE.name}\n"
        )
    sys.stdout.write(f"{len(releases)} packages, {len(old)} without a release in two years\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
