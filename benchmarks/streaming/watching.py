"""What a person who looks at the dashboard waits for, timed inside the browser.

What lives here: first paints, answers about periods, input while sessions arrive, and memory. What
does not: services (`stand`), load (`loads`), and what is printed.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, Page, WebSocket

from ev_pipeline_tests.e2e.screens import DESK, Dashboard
from infra.nodered_flows import Page as Described

WITHIN_MS: Final = 60_000

_PAINTED: Final = """(wanted) => new Promise((resolve) => {
  const isWhole = () => document.querySelectorAll(".ev-card").length === wanted.cards &&
    document.querySelectorAll(".ev-card__age").length === wanted.aged &&
    !document.body.textContent.includes("No figures yet.") &&
    (!document.querySelector(".ev-map") || document.querySelector(".ev-map__land"))
  const look = () => isWhole()
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())))
    : requestAnimationFrame(look)
  look()
})"""
"""Milliseconds from asking for the page to the paint with every figure and the map."""

_ANSWERED: Final = """() => new Promise((resolve) => {
  const began = performance.now()
  const state = document.querySelector("#ev-period-state")
  const look = () => ["answered", "empty"].includes(state.dataset.state)
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)))
    : requestAnimationFrame(look)
  const presets = [...document.querySelectorAll(".ev-buttons button")]
  presets.find((each) => each.textContent === "All").click()
  look()
})"""
"""Milliseconds from pressing "All" to the paint of its answer."""

_HEAR_INPUT: Final = """() => {
  window.heardMs = []
  new PerformanceObserver((list) => {
    for (const { name, duration } of list.getEntries()) {
      if (name === "keydown") window.heardMs.push(duration)
    }
  }).observe({ type: "event", durationThreshold: 16, buffered: false })
}"""
"""From now on the page remembers how long each key took to be on the screen (Event Timing, W3C);
below 16 ms nothing is told."""

_UNTOLD_MS: Final = 16.0
_KEY_EVERY_S: Final = 0.25
_MB: Final = 1e6
_PAGE_BYTES: Final = 4096

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Memory:
    """Samples of one page's memory: seconds since the first, then MB of each kind."""

    at_s: Numbers
    heap_mb: Numbers
    process_mb: Numbers
    n_nodes: Numbers

    def slope(self, mb: Numbers) -> float:
        """How it grows after the first fifth, MB a minute."""
        later = self.at_s > self.at_s[-1] / 5
        return float(60 * np.polyfit(self.at_s[later], mb[later], 1)[0])


def first_paints_s(dashboard: Dashboard, page: Described, n: int) -> Numbers:
    """Seconds until the page is whole in a browser that has never seen it, each of `n` times."""
    aged = sum(card.panel is not None for card in page.cards)
    wanted = {"cards": len(page.cards), "aged": aged}
    taken = []
    for _ in range(n):
        with dashboard.screen() as screen:
            opened = screen.context.new_page()
            opened.set_viewport_size({"width": DESK[0], "height": DESK[1]})
            opened.goto(f"{screen.base}/{page.name}", wait_until="commit")
            taken.append(opened.evaluate(_PAINTED, wanted) / 1000)
    return np.array(taken)


def answers_s(dashboard: Dashboard, n: int) -> Numbers:
    """Seconds from pressing "All" to its answer on the screen, each of `n` times."""
    with dashboard.screen() as screen:
        page = screen.open("period")
        page.wait_for_selector(".ev-buttons button:last-child:not([disabled])")
        taken = []
        for _ in range(n):
            _ask_today(page)  # so that the next answer is a new one
            taken.append(page.evaluate(_ANSWERED) / 1000)
    return np.array(taken)


def _ask_today(page: Page) -> None:
    page.get_by_role("button", name="Today").click()
    page.wait_for_selector(
        "#ev-period-state[data-state=answered],[data-state=empty]", state="attached"
    )


def pressed_ms(dashboard: Dashboard, seconds: float) -> tuple[Numbers, float]:
    """Keys pressed on a chart for so long.

    Returns:
        Milliseconds from each to the paint of what it changed; updates of panels a second.
    """
    with dashboard.screen() as screen:
        page = screen.context.new_page()
        heard: Counter[str] = Counter()
        page.on("websocket", lambda socket: _count(socket, heard))
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        page.goto(f"{screen.base}/overview")
        page.wait_for_selector(".ev-chart__bars", state="attached")
        page.locator(".ev-chart__plot").first.focus()
        page.evaluate(_HEAR_INPUT)
        heard.clear()
        began = time.perf_counter()
        n = 0
        while (passed := time.perf_counter() - began) < seconds:
            page.keyboard.press("ArrowLeft" if n % 2 else "ArrowRight")
            n += 1
            page.wait_for_timeout(1000 * max(0.0, n * _KEY_EVERY_S - passed))
        told = page.evaluate("window.heardMs")
    quick = [_UNTOLD_MS] * (n - len(told))
    return np.array([*told, *quick]), heard["update"] / passed


def _count(socket: WebSocket, heard: Counter[str]) -> None:
    socket.on(
        "framereceived", lambda frame: heard.update(["update"] if "msg-input" in str(frame) else [])
    )


def memory(dashboard: Dashboard, seconds: float, every_s: float) -> Memory:
    """Samples of the overview's memory, what is garbage collected before each."""
    with dashboard.screen() as screen:
        page = screen.open("overview")
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable")
        process = _renderer(dashboard.browser)
        began = time.perf_counter()
        rows: list[tuple[float, ...]] = []
        while (passed := time.perf_counter() - began) < seconds or len(rows) < 3:
            devtools.send("HeapProfiler.collectGarbage")
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            figures = {each["name"]: each["value"] for each in metrics}
            heap_mb = figures["JSHeapUsedSize"] / _MB
            rows.append((passed, heap_mb, process(), figures["Nodes"]))
            page.wait_for_timeout(1000 * every_s)
    return Memory(*np.array(rows).T)


def _renderer(browser: Browser) -> Callable[[], float]:
    """Tells how much memory the browser's greatest page has in use, MB."""
    known = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pids = [each["id"] for each in known if each["type"] == "renderer"]

    def in_use_mb() -> float:
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
        return max(pages) * _PAGE_BYTES / _MB

    return in_use_mb
