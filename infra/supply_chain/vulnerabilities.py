"""Known faults of everything in the lock files: `python -m infra.supply_chain.vulnerabilities`.

What lives here: asking pip-audit and `npm audit`, and telling "none known" from "not asked". What
does not: mending, which is `make lock` with a newer version.
"""

import json
import sys
from typing import Any, Final

from ev_pipeline.domain.errors import PipelineError
from infra.supply_chain.locked import NPM_FOLDER, PYTHON_LOCK, ask, npm, uv

SCANNER: Final = "pip-audit==2.10.1"
"""Run beside the project, not in it: its forty packages are nobody else's business."""


def of_python(report: str) -> list[str]:
    """A line for each known fault, by pip-audit's report.

    Raises:
        PipelineError: there is no report, or it lacks a package: "none known" is not "not asked".
    """
    dependencies = _read(report).get("dependencies", [])
    skipped = [each["name"] for each in dependencies if "vulns" not in each]
    if skipped or not dependencies:
        raise PipelineError(
            f"the scanner's data cannot be reached for {len(skipped)} of {len(dependencies)} "
            f"packages ({', '.join(skipped[:3])}…)",
            mend="scan where it can",
        )
    return [
        f"{each['name']} {each['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no release yet'}"
        for each in dependencies
        for fault in each["vulns"]
    ]


def of_npm(report: str) -> list[str]:
    """A line for each package with a known fault, by npm's report.

    Raises:
        PipelineError: there is no report, or the scanner's data cannot be reached.
    """
    document = _read(report)
    if "vulnerabilities" not in document:
        raise PipelineError("the scanner's data cannot be reached", mend="scan where it can")
    return [
        f"{name} {each['range']}: {each['severity']}"
        for name, each in document["vulnerabilities"].items()
    ]


def _read(report: str) -> dict[str, Any]:
    try:
        document = json.loads(report)
    except ValueError as error:
        raise PipelineError("the scanner gave no report", mend="scan where it can run") from error
    return document if isinstance(document, dict) else {}


def scan_python() -> list[str]:
    """Known faults of `requirements.lock`."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    scan = [uv(), "tool", "run", "--quiet", "--from", SCANNER, "pip-audit", *options]
    return of_python(ask([*scan, "--requirement", str(PYTHON_LOCK)]).stdout)


def scan_npm() -> list[str]:
    """Known faults of npm's lock file."""
    return of_npm(ask([*npm(), "audit", "--json"], directory=NPM_FOLDER).stdout)


def main() -> int:
    """Print a line for each known fault.

    Returns:
        1 where there is one, or where nobody could be asked, else 0.
    """
    is_clean = True
    for ecosystem, scan in (("Python", scan_python), ("npm", scan_npm)):
        try:
            faults = scan()
        except PipelineError as error:
            sys.stderr.write(f"{ecosystem}: not scanned: {error}\n")
            is_clean = False
            continue
        for fault in faults:
            sys.stdout.write(f"{ecosystem}: {fault}\n")
        sys.stdout.write(f"{ecosystem}: {len(faults)} known faults\n")
        is_clean = is_clean and not faults
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
