"""What the repository holds: no names of machines or hosts, a lock that is whole, a changelog."""

import re
import tomllib
from collections import defaultdict

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ev_pipeline_tests.house.repository import ROOT, tracked_files

LOCK = (ROOT / "requirements.lock").read_text()

FORBIDDEN = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "index" + "-url",
    "/" + "work/",
    "/" + "root/",
    "/" + "home/",
)
"""Registries' hosts and beginnings of one machine's paths, written so that this file has none."""

READS_CONFIGURATION = {".ci/setup"}
"""May name pip's option, not a host."""


def text_of(path_name: str) -> str:
    try:
        return (ROOT / path_name).read_text()
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        name = str(path.relative_to(ROOT))
        words = [word for word in FORBIDDEN if word in text_of(name)]
        if name in READS_CONFIGURATION:
            words = [word for word in words if not word.endswith("-url")]
        found += [f"{name}: {word}" for word in words]
    assert not found


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return [Requirement(line) for line in listed]


def locked() -> dict[str, set[str]]:
    """The versions of each package: several where platforms or Pythons differ."""
    versions: dict[str, set[str]] = defaultdict(set)
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", LOCK, re.MULTILINE):
        versions[canonicalize_name(name)].add(version)
    return versions


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_the_lock_satisfies_a_dependency_else_run_make_lock(requirement: Requirement) -> None:
    versions = locked()[canonicalize_name(requirement.name)]
    assert versions
    assert all(requirement.specifier.contains(one, prereleases=True) for one in versions)


def test_every_locked_package_has_a_version_and_a_hash() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_names_no_index_and_serves_every_platform() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^(-i|--(extra-)?index|--find)", LOCK, re.MULTILINE)
    assert "sys_platform" in LOCK


def test_the_changelog_keeps_its_format() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", release)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_each_decision_has_a_number_of_its_own_and_the_same_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record in records:
        text = record.read_text()
        assert re.match(r"# \d{4} ", text), record.name
        for part in ("## Decision", "## Why", "## What follows"):
            assert part in text, f"{record.name}: {part}"
