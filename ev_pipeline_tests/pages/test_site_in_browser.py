"""The site as a reader's browser has it: nothing comes from elsewhere, and it fits a phone."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from docs.site.building import build
from ev_pipeline_tests.e2e.screens import find_chromium
from ev_pipeline_tests.house.repository import ROOT

pytestmark = pytest.mark.long

PAGES = ("index", "mapping", "connect", "payloads", "commands", "architecture")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the site is served."""
    place: Path = tmp_path_factory.mktemp("site")
    assert build(ROOT, place) == 0
    handler = partial(Quiet, directory=str(place / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium)
        yield opened
        opened.close()


def test_pages_and_search_ask_nothing_of_other_hosts(browser: Browser, address: str) -> None:
    asked = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto(f"{address}{name}.html", wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.keyboard.type("overlaps_same_connector")
    expect(page.get_by_text("When it does not work").first).to_be_visible()
    page.close()
    assert len(asked) > len(PAGES)
    assert [url for url in asked if not url.startswith(address)] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(browser: Browser, address: str, name: str) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 800})
    page.goto(f"{address}{name}.html", wait_until="networkidle")
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    page.close()
    assert widths[0] <= widths[1]
