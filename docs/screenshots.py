"""Take the pictures of the dashboard anew: `python -m docs.screenshots`, or `make screenshots`.

What lives here: which pages of which network are shown, and how they are taken. What does not: the
page that shows them (`dashboard.md`).

Each network is a stack of its own: started, its files loaded, a model trained, panels published,
and ended again. The real network's files lie where the tests look for them; without them only the
shipped one is shown.
"""

import argparse
import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from ev_pipeline.settings import ENV_PREFIX, PORTS
from ev_pipeline_tests.conftest import free_port, make_home
from ev_pipeline_tests.e2e.screens import DESK, PHONE, chromium
from ev_pipeline_tests.real_data import real_data_folder
from infra.nodered_flows import PAGES

PICTURES: Final = Path(__file__).parent / "pictures"

CHECKOUT: Final = Path(__file__).parents[1]

SHOWN_WITHIN_MS: Final = 60_000
"""By when a page has its figures, ms, on a machine that does other work too."""

QUALITY: Final = 60
"""Of the pictures, of 100: text has no visible fringes, and all of them are under 3 MB."""

_IS_AT_REST: Final = """() => {
  const height = document.documentElement.scrollHeight
  const isAtRest = window.lastHeight === height && Date.now() - window.grewAt > 1500
  const isNew = window.lastHeight !== height
  if (isNew) Object.assign(window, { lastHeight: height, grewAt: Date.now() })
  return isAtRest
}"""

Size = tuple[int, int]


@dataclass(frozen=True)
class Network:
    """Whose sessions are shown.

    Args:
        name: begins the pictures' names.
        timezone: the reporting zone.
        currency: the reporting currency.
        files: what is loaded, as `EV_BOOTSTRAP` has it.
        is_live: whether a station reports meanwhile, as in the demo.
        asked: the days that the page about periods shows.
    """

    name: str
    timezone: str
    currency: str
    files: str
    is_live: bool
    asked: tuple[str, str]


@dataclass(frozen=True)
class Look:
    """How pages are looked at."""

    name: str
    size: Size
    scheme: str
    pages: tuple[str, ...]


ALL_PAGES: Final = tuple(page.name for page in PAGES)

LOOKS: Final = (
    Look("desk", DESK, "light", ALL_PAGES),
    Look("phone", PHONE, "light", ("overview", "period", "stations")),
    Look("dark", DESK, "dark", ("overview", "stations")),
)


def networks() -> list[Network]:
    """The shipped network, and the real one where its files are."""
    dundee = real_data_folder() / "dundee"
    shipped = "canonical_stations:data/stations.csv canonical:data/sessions.csv"
    autumn, spring = ("2025-10-01", "2025-12-31"), ("2018-03-01", "2018-05-31")
    found = [Network("sample", "Europe/Lisbon", "EUR", shipped, is_live=True, asked=autumn)]
    sessions = sorted(dundee.glob("cp*data*.csv"))
    if sessions:
        files = [f"dundee_stations:{dundee / 'cp-locations.csv'}"]
        loaded = " ".join([*files, *(f"dundee:{path}" for path in sessions)])
        found.append(Network("dundee", "Europe/London", "GBP", loaded, is_live=False, asked=spring))
    return found


@contextmanager
def standing(network: Network) -> Iterator[str]:
    """Within, a stack shows the network, at the address."""
    home = make_home()
    ports = {name: free_port() for name in PORTS}
    own = {"home": home, "timezone": network.timezone, "currency": network.currency, **ports}
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(ENV_PREFIX)}
    said = {f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in own.items()}
    environment = inherited | said | {"EV_BOOTSTRAP": network.files}
    environment |= {"EV_SIMULATOR": str(network.is_live).lower()}

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "ev_pipeline.cli.main", *words]
        subprocess.run(command, env=environment, cwd=CHECKOUT, check=True)  # noqa: S603

    try:
        run("up", "--detach")
        run("run", "bootstrap")
        yield f"http://127.0.0.1:{ports['nodered_port']}/ui"
    finally:
        run("down")
        shutil.rmtree(home, ignore_errors=True)


def take(browser: Browser, address: str, network: Network, folder: Path, form: str) -> None:
    """Each look at each page is a picture in the folder."""
    for look in LOOKS:
        context = browser.new_context(
            color_scheme="dark" if look.scheme == "dark" else "light",
            timezone_id=network.timezone,
            locale="en-GB",
            viewport={"width": look.size[0], "height": look.size[1]},
        )
        context.set_default_timeout(SHOWN_WITHIN_MS)
        page = context.new_page()
        for name in look.pages:
            open_page(page, f"{address}/{name}", network)
            picture = folder / f"{network.name}-{name}-{look.name}.{form}"
            picture.write_bytes(picture_of(page, form))
        context.close()


def open_page(page: Page, address: str, network: Network) -> None:
    """The page has its figures, and its pictures of maps."""
    page.goto(address)
    page.wait_for_selector(".ev-card")
    expect(page.get_by_text("No figures yet.")).to_have_count(0, timeout=SHOWN_WITHIN_MS)
    if address.endswith("/period"):
        page.get_by_label("First day").fill(network.asked[0])
        page.get_by_label("Last day").fill(network.asked[1])
        page.get_by_role("button", name="Show", exact=True).click()
        state = page.locator("#ev-period-state")
        expect(state).to_have_attribute("data-state", "answered", timeout=SHOWN_WITHIN_MS)
    if page.locator(".ev-map").count():
        page.wait_for_selector(".ev-map__land", state="attached")


def picture_of(page: Page, form: str) -> bytes:
    """The whole page, as high as it is once it grows no more."""
    page.wait_for_function(_IS_AT_REST)
    devtools = page.context.new_cdp_session(page)
    content = devtools.send("Page.getLayoutMetrics")["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": content["width"], "height": content["height"], "scale": 1}
    asked = {"format": form, "clip": clip, "captureBeyondViewport": True}
    if form != "png":
        asked["quality"] = QUALITY
    return base64.b64decode(devtools.send("Page.captureScreenshot", asked)["data"])


def main() -> None:
    """Every picture is taken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, default=PICTURES, help="where the pictures go")
    parser.add_argument("--format", choices=("webp", "png"), default="webp")
    parser.add_argument("--only", metavar="NETWORK", help="one network: sample or dundee")
    parser.add_argument("--address", help="of a dashboard that shows it, in place of a new stack")
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    program = chromium()
    if program is None:
        sys.exit("error: no Chromium to look through (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        for network in networks():
            if wanted.only not in {None, network.name}:
                continue
            if wanted.address:
                take(browser, wanted.address, network, wanted.folder, wanted.format)
            else:
                with standing(network) as address:
                    take(browser, address, network, wanted.folder, wanted.format)
        browser.close()


if __name__ == "__main__":
    main()
