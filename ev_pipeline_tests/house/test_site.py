"""The site that `make docs` builds: links lead somewhere, and nothing comes from elsewhere."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs.site.building import CONFIGURATION, build
from docs.site.pages import Staging
from ev_pipeline_tests.house.repository import ROOT

LOADS = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=[\"']?([^\"'\s>]+)")
STYLES = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    assert build(ROOT, place) == 0
    return place / "site"


def of_other_hosts(addresses: list[str]) -> list[str]:
    return [each for each in addresses if re.match(r"(https?:)?//", each)]


def test_a_page_asks_nothing_of_other_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert of_other_hosts(LOADS.findall(text)) == [], page.name
        assert 'class="mermaid"' not in text, "the theme fetches what draws it"
    for style in site.rglob("*.css"):
        found = [one or other for one, other in STYLES.findall(style.read_text(encoding="utf-8"))]
        assert of_other_hosts(found) == [], style.name


def test_the_search_knows_what_pages_say(site: Path) -> None:
    text = (site / "search.json").read_text(encoding="utf-8")
    assert "overlaps_same_connector" in text


def named(nav: list[Any]) -> list[str]:
    found: list[str] = []
    for entry in nav:
        for target in entry.values():
            found += named(target) if isinstance(target, list) else [target]
    return found


def test_every_page_has_one_place_in_the_navigation(tmp_path: Path) -> None:
    Staging(ROOT, tmp_path).write()
    listed = named(tomllib.loads((ROOT / CONFIGURATION).read_text())["project"]["nav"])
    pages = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")]
    of_decisions = [page for page in pages if re.match(r"decisions/\d", page)]
    assert sorted(listed) == sorted(set(pages) - set(of_decisions)), f"see nav in {CONFIGURATION}"
    assert len(of_decisions) > 20


@pytest.mark.parametrize("link", ["[x](other.md)", "[x](#nowhere)"])
def test_a_link_that_leads_nowhere_fails_the_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    root = tmp_path / "checkout"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "index.md").write_text(f"# A page\n\n{link}\n")
    (root / CONFIGURATION).write_text(
        '[project]\nsite_name = "A site"\ndocs_dir = "build/docs"\nsite_dir = "site"\n'
    )
    assert build(root, root) == 1
    told = capsys.readouterr().err
    assert "index.md" in told
    assert "Traceback" not in told
