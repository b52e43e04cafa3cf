"""The dashboard in a browser: a stream, Node-RED and Chromium, each a real process.

What lives here: starting them, and pages that remember what went wrong on them. What does not: what
the pages must show.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from ev_pipeline.settings import Settings
from ev_pipeline.stack import nodered, process
from ev_pipeline.stack.nodered import prepare_dashboard
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.installation import Installation

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")

UP_WITHIN_S: Final = 60
"""By when Node-RED shows its pages, s; on a quiet machine it takes one."""

SHOWN_WITHIN_MS: Final = 30_000
"""By when something must be on screen, ms, on a machine that does other work too."""

DESK: Final = (1400, 900)
PHONE: Final = (390, 844)
WALL: Final = (1920, 1080)


@dataclass
class Screen:
    """One browser, as private as another person's."""

    context: BrowserContext
    base: str
    troubles: list[str] = field(default_factory=list)

    def open(self, page: str, size: tuple[int, int] = DESK) -> Page:
        """The page, once its first card stands."""
        opened = self.context.new_page()
        opened.set_viewport_size({"width": size[0], "height": size[1]})
        opened.on("pageerror", lambda error: self.troubles.append(str(error)))
        opened.on("console", lambda line: self._note(line.type, line.text))
        opened.on("request", self._look_at)
        opened.goto(f"{self.base}/{page}")
        opened.wait_for_selector(".ev-card")
        return opened

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.troubles.append(text)

    def _look_at(self, request: Request) -> None:
        if not request.url.startswith((self.base.removesuffix("/ui"), "data:", "blob:")):
            self.troubles.append(f"asks {request.url}")


@dataclass
class Dashboard:
    """A dashboard that is up.

    Args:
        settings: of the dashboard.
        browser: who looks at it.
    """

    settings: Settings
    browser: Browser
    server: subprocess.Popen[bytes] | None = None

    @contextmanager
    def screen(self, **options: Any) -> Iterator[Screen]:
        """Within, a browser of its own looks at it; nothing may have gone wrong there."""
        zone = "Asia/Tokyo"  # not the reporting zone
        context = self.browser.new_context(timezone_id=zone, **options)
        context.set_default_timeout(SHOWN_WITHIN_MS)
        screen = Screen(context, nodered.address(self.settings.nodered_port))
        try:
            yield screen
        finally:
            context.close()
        assert screen.troubles == []

    def start_server(self) -> None:
        """Node-RED shows its pages."""
        prepared = prepare_dashboard(self.settings)
        log = self.settings.home / "nodered.log"
        self.server = process.start(
            prepared.command,
            environment=prepared.environment,
            log=log,
            directory=prepared.directory,
            account=prepared.account,
        )
        server, port = self.server, self.settings.nodered_port
        wait_until(
            lambda: server.poll() is not None or nodered.trouble(port) is None,
            within_s=UP_WITHIN_S,
        )
        assert server.poll() is None, log.read_text()

    def stop_server(self) -> None:
        """Node-RED has ended."""
        if self.server:
            process.stop(self.server, stop_signal=signal.SIGTERM, deadline_s=20)
            self.server = None


@dataclass
class Shown(Dashboard):
    """A dashboard that is up, and the stream whose panels it shows."""

    installation: Installation = field(kw_only=True)


def chromium() -> Path | None:
    """The browser's program; null where there is none."""
    found = next((program for name in PROGRAMS if (program := shutil.which(name))), None)
    return Path(found) if found else None


def find_chromium() -> Path:
    """The browser's program; a machine of a person may lack it, continuous integration may not."""
    found = chromium()
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    assert found, "no Chromium: .ci/chromium places Debian's"
    return found


@contextmanager
def looked_at(program: Path) -> Iterator[Browser]:
    """Within, a browser is there, whose waits end at their limits."""
    expect.set_options(timeout=SHOWN_WITHIN_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@contextmanager
def served(dashboard: Dashboard) -> Iterator[None]:
    """Within, Node-RED shows its pages."""
    dashboard.start_server()
    try:
        yield
    finally:
        dashboard.stop_server()


@contextmanager
def shown(installation: Installation, broker: RunningBroker) -> Iterator[Shown]:
    """Within, the installation's panels are on pages, and a browser is there to look at them."""
    program = find_chromium()
    settings = broker.settings.model_copy(update={"nodered_port": free_port()})
    with looked_at(program) as browser:
        dashboard = Shown(settings, browser, installation=installation)
        with served(dashboard):
            yield dashboard
