"""What we build upon: fine licences, living packages, scanners that are not believed blindly."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ev_pipeline.domain.errors import PipelineError
from infra.supply_chain.licences import is_fine, packages
from infra.supply_chain.locked import direct_npm, direct_python
from infra.supply_chain.releases import PAGE, Release
from infra.supply_chain.vulnerabilities import of_npm, of_python


def test_every_locked_package_is_permissive_or_weak_copyleft_else_see_make_licences() -> None:
    found = list(packages())
    assert len(found) > 700
    assert [f"{each.name}: {each.licence}" for each in found if not each.is_fine] == []


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("MIT", True),
        ("MPL-2.0 AND MIT", True),
        ("EPL-2.0 OR BSD-3-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("(Unlicense OR Apache-2.0)", True),
        ("GPL-3.0-only", False),
        ("MIT AND GPL-2.0-or-later", False),
        ("AGPL-3.0-only OR SSPL-1.0", False),
        ("SEE LICENSE IN LICENSE", False),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("", False),
    ],
)
def test_a_licence_is_fine_where_all_that_it_demands_is(expression: str, *, fine: bool) -> None:
    assert is_fine(expression) is fine


def test_the_page_has_the_newest_release_of_every_dependency_else_run_make_releases() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    recorded = {row[0].removeprefix("| ") for row in rows}
    assert {*direct_python(), *direct_npm()} <= recorded


def test_a_package_without_a_release_for_two_years_counts_as_given_up() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    release = Release("npm", "something", "1.0", now - timedelta(days=729))
    assert not release.is_given_up(now)
    assert release.is_given_up(now + timedelta(days=2))


def test_what_a_scanner_could_not_ask_about_is_not_called_clean() -> None:
    fault = {"id": "CVE-1", "fix_versions": ["1.1"]}
    asked = {"name": "one", "version": "1.0", "vulns": [fault]}
    skipped = {"name": "two", "skip_reason": "not found"}
    assert of_python(json.dumps({"dependencies": [asked]})) == ["one 1.0: CVE-1, mended in 1.1"]
    with pytest.raises(PipelineError, match="cannot be reached for 1 of 2 packages"):
        of_python(json.dumps({"dependencies": [asked, skipped]}))
    with pytest.raises(PipelineError, match="no report"):
        of_python("")
    with pytest.raises(PipelineError, match="cannot be reached"):
        of_npm(json.dumps({"message": "405 Method Not Allowed"}))
    known = {"vulnerabilities": {"two": {"range": "<2", "severity": "high"}}}
    assert of_npm(json.dumps(known)) == ["two <2: high"]
