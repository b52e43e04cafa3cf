"""What an operator sees, in a real browser, on a real stream."""

import csv
import io
import json
import re
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from datetime import date
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from ev_pipeline.domain.periods import read_period
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.retained import read_retained
from ev_pipeline.panels.envelope import encode
from ev_pipeline.panels.period_report import report_period
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.nodered import editor_password
from ev_pipeline_tests.e2e.content import (
    HOSTILE,
    MIDNIGHTS,
    ZONE,
    publish,
    register,
    sessions_about_midnights,
)
from ev_pipeline_tests.e2e.screens import DESK, PHONE, SHOWN_WITHIN_MS, WALL, Shown, shown
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.installation import installed
from ev_pipeline_tests.stream.streams import a_session, charging, count
from infra.nodered_flows import PAGES

SERIOUS = ("serious", "critical")

KEEP_WHAT_IS_SHOWN = """() => {
  window.shown = []
  new MutationObserver(() => {
    const figure = document.querySelector("[data-report] .ev-figure__value")
    if (figure && figure.textContent.includes(",")) window.shown.push(figure.textContent)
  }).observe(document.body, { subtree: true, childList: true, characterData: true })
}"""
"""From now on the page remembers every figure of thousands that it shows for a period."""

PRESS_ALL = "[...document.querySelectorAll('.ev-buttons button')].at(-1).click()"
"""Again and again, since the first day is known once its panel has come."""

ON_SCREEN_WITHIN_S = 20.0
"""s; one is the aim on a machine that does nothing else."""

FITS = "(width) => innerWidth === width && document.documentElement.scrollWidth <= width"

TILE_SERVER = "https://tiles.example.org"

TILES = TILE_SERVER + "/{z}/{x}/{y}.png"

PERIODS = [
    ("2024-03-30", "2024-04-01"),
    ("2024-03-31", "2024-03-31"),
    ("2024-10-26", "2024-10-28"),
    ("2024-10-27", "2024-10-27"),
    ("2024-12-30", "2026-01-01"),
]
"""About the spring and the autumn change, the days themselves, and a year with empty days."""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Everything from the broker to the browser, with a hostile station's session among others."""
    folder = tmp_path_factory.mktemp("e2e")
    with installed(folder, timezone=ZONE) as installation:
        register(installation, folder)
        with charging(installation.broker) as charger:
            charger.send(sessions_about_midnights())
            charger.send(a_session("with a place", station_id="near-the-river"))
            charger.send(a_session("with another", station_id="up-the-hill"))
            stored = partial(count, installation.engine, "ev_session", "started_at < '2024-12-01'")
            wait_until(lambda: stored() == len(MIDNIGHTS), within_s=WITHIN_S)
            charger.send(a_session("hostile", station_id=HOSTILE))
        with shown(installation, installation.broker) as dashboard:
            with dashboard.screen() as screen:
                page = screen.open("overview")
                expect(page.locator("[data-session=hostile]")).to_be_visible()
            publish(installation)
            yield dashboard


def state_of(page: Page) -> str | None:
    return page.locator("#ev-period-state").get_attribute("data-state")


def ask(page: Page, first: str, last: str) -> None:
    """The dates are asked for, and the page has come to rest."""
    page.get_by_label("First day").fill(first)
    page.get_by_label("Last day").fill(last)
    page.get_by_role("button", name="Show", exact=True).click()
    at_rest = re.compile("^(?!asking|slow)")
    expect(page.locator("#ev-period-state")).to_have_attribute("data-state", at_rest)


def figure(page: Page, name: str) -> str:
    shown = page.locator("[data-report] .ev-figure").filter(has=page.get_by_text(name, exact=True))
    return shown.locator(".ev-figure__value").inner_text()


def counted(dashboard: Shown, first: str, last: str, by: str = "1") -> list[sa.Row[Any]]:
    """What the period holds, by a count of sessions one by one; of each day, if told so."""
    with dashboard.installation.engine.connect() as connection:
        return list(
            connection.execute(
                sa.text(f"""
                    SELECT count(*) AS n, sum(energy_kwh) AS energy_kwh,
                           sum(cost) FILTER (WHERE currency = 'EUR') AS cost, {by} AS day
                    FROM (SELECT *, (started_at AT TIME ZONE :zone)::date AS day
                          FROM ev_session) s
                    WHERE day BETWEEN :first AND :last GROUP BY 4
                """),
                {"first": first, "last": last, "zone": ZONE},
            )
        )


def test_each_page_shows_figures_fits_any_screen_and_asks_no_other_host(dashboard: Shown) -> None:
    with dashboard.screen() as screen:
        page = screen.open(PAGES[0].name)
        for described in PAGES:
            page.get_by_role("link", name=described.title, exact=True).click()
            expect(page.locator(".ev-card")).to_have_count(len(described.cards))
            expect(page.get_by_text("No figures yet.")).to_have_count(0)
            expect(page).to_have_title(described.title)
            if described.name == "stations":
                land = page.locator(".ev-map__land")
                expect(land).to_have_attribute("d", re.compile(r"^M(.*L){10}"))
                expect(page.locator(".ev-map image")).to_have_count(0)
            aged = sum(card.panel is not None for card in described.cards)
            ages = page.locator(".ev-card__age").filter(has_text=re.compile("updated .*(ago|now)"))
            expect(ages).to_have_count(aged)
            for width, height in (WALL, PHONE, DESK):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_function(FITS, arg=width)


def test_a_session_that_a_charger_sends_is_soon_on_the_screen(dashboard: Shown) -> None:
    name = uuid.uuid4().hex
    with dashboard.screen() as screen, charging(dashboard.installation.broker) as charger:
        page = screen.open("overview")
        row = page.locator(f"[data-session='{name}']")
        expect(row).to_have_count(0)
        charger.send(a_session(name, energy_kwh=43.21))
        sent = time.monotonic()
        expect(row).to_contain_text("43.2 kWh")
        assert time.monotonic() - sent < ON_SCREEN_WITHIN_S


def test_a_period_on_the_screen_and_in_its_file_is_what_sql_counts(
    dashboard: Shown, tmp_path: Path
) -> None:
    with dashboard.screen() as screen:
        page = screen.open("period")
        for first, last in PERIODS:
            ask(page, first, last)
            (expected,) = counted(dashboard, first, last)
            assert state_of(page) == "answered"
            assert figure(page, "Sessions") == f"{expected.n:,}"
            digits = 1 if expected.energy_kwh < 100 else 0
            assert figure(page, "Energy") == f"{expected.energy_kwh:,.{digits}f} kWh"
            revenue = "\N{EN DASH}" if expected.cost is None else f"{expected.cost:,.2f} EUR"
            assert figure(page, "Revenue") == revenue
            with page.expect_download() as download:
                page.get_by_role("button", name="Download these days (CSV)").click()
            download.value.save_as(tmp_path / "period.csv")
            assert download.value.suggested_filename == f"period_{first}_{last}.csv"
            rows = list(csv.DictReader(io.StringIO((tmp_path / "period.csv").read_text())))
            days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
            assert len(rows) == days
            by_day = counted(dashboard, first, last, by="day")
            busy = [row for row in rows if row["n_sessions"] != "0"]
            counts = {row["day"]: int(row["n_sessions"]) for row in busy}
            assert counts == {str(row.day): row.n for row in by_day}
            energies = {row["day"]: float(row["total_energy_kwh"]) for row in busy}
            assert energies == pytest.approx(
                {str(row.day): float(row.energy_kwh) for row in by_day}
            )


def test_what_cannot_be_answered_has_a_state_of_its_own(dashboard: Shown) -> None:
    with dashboard.screen() as screen:
        page = screen.open("period")
        ask(page, "2025-02-01", "2025-01-01")
        assert state_of(page) == "wrong_order"
        expect(page.locator("[data-report]")).to_have_count(0)
        ask(page, "2099-01-01", "2099-01-02")
        assert state_of(page) == "future"
        ask(page, "2012-01-01", "2012-01-31")
        assert state_of(page) == "empty"
        ask(page, "1975-01-01", "2025-01-31")
        assert state_of(page) == "too_long"
        page.get_by_label("Station, or empty for all").fill("no such station")
        ask(page, "2025-01-01", "2025-01-31")
        assert state_of(page) == "unknown_station"


def test_two_browsers_ask_at_once_and_each_gets_the_answer_to_its_last_question(
    dashboard: Shown,
) -> None:
    with dashboard.screen() as one_screen, dashboard.screen() as other_screen:
        one, other = one_screen.open("period"), other_screen.open("period")
        for last in ("2025-01-04", "2025-01-03", "2025-01-02"):
            one.get_by_label("First day").fill("2025-01-01")
            one.get_by_label("Last day").fill(last)
        ask(other, "2025-01-05", "2025-01-06")
        expect(one.get_by_text("1 Jan 2025 to 2 Jan 2025, Europe/Lisbon")).to_be_visible()
        expect(other.get_by_text("5 Jan 2025 to 6 Jan 2025, Europe/Lisbon")).to_be_visible()
        assert figure(one, "Sessions") == f"{counted(dashboard, '2025-01-01', '2025-01-02')[0].n}"
        assert figure(other, "Sessions") == f"{counted(dashboard, '2025-01-05', '2025-01-06')[0].n}"


def test_an_answer_that_was_overtaken_is_not_shown(dashboard: Shown) -> None:
    worker = dashboard.installation.worker.settings
    asked = read_period("2025-01-01", "2025-01-02", worker.zone)
    answer = report_period(dashboard.installation.engine, worker, asked, None)
    stream = dashboard.installation.broker.login("stream")
    requests = topics.period_requests("nodered")
    with dashboard.screen() as screen, listening(stream, requests) as heard:
        page = screen.open("period")
        ask(page, "2025-01-01", "2025-01-02")
        # By itself for the last days, at each change of a date, and when told to.
        *_, question = [heard.take() for _ in range(4)]
        assert question.response_topic
        assert question.correlation
        page.evaluate(KEEP_WHAT_IS_SHOWN)
        last = int(question.correlation)
        for number, n_sessions in ((last - 1, 111_111), (last, 222_222)):
            payload = encode(answer | {"n_sessions": n_sessions})
            correlation = str(number).encode()
            sent = heard.client.publish(question.response_topic, payload, correlation=correlation)
            assert sent.result(WITHIN_S).is_accepted
        expect(page.get_by_text("222,222")).to_be_visible()
        assert set(page.evaluate("window.shown")) == {"222,222"}


def test_no_page_bars_anybody_in_the_light_or_in_the_dark(dashboard: Shown) -> None:
    for scheme in ("light", "dark"):
        with dashboard.screen(color_scheme=scheme, bypass_csp=True) as screen:
            page = screen.open(PAGES[0].name)
            for described in PAGES:
                page.get_by_role("link", name=described.title, exact=True).click()
                expect(page.locator(".ev-card")).to_have_count(len(described.cards))
                for folded in page.locator(".ev-why summary").all()[:1]:
                    folded.click()
                found = Axe().run(page).response["violations"]
                serious = [each["id"] for each in found if each["impact"] in SERIOUS]
                assert serious == [], (scheme, described.title)


def test_the_flows_are_behind_a_login_that_may_not_change_them(dashboard: Shown) -> None:
    editor = f"http://127.0.0.1:{dashboard.settings.nodered_port}/editor"
    asked = urllib.parse.urlencode(
        {
            "client_id": "node-red-editor",
            "grant_type": "password",
            "scope": "read",
            "username": "admin",
            "password": editor_password(Layout(dashboard.settings.home)),
        }
    )
    with dashboard.screen() as screen:
        request = screen.context.request
        assert request.get(f"{editor}/flows").status == HTTPStatus.UNAUTHORIZED
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        token = request.post(f"{editor}/auth/token", data=asked, headers=form)
        assert token.ok
        rights = {"Authorization": f"Bearer {token.json()['access_token']}"}
        assert request.get(f"{editor}/flows", headers=rights).ok
        changed = request.post(f"{editor}/flows", data=[], headers=rights)
        assert changed.status == HTTPStatus.UNAUTHORIZED


def test_a_station_that_is_named_like_a_page_stays_text(dashboard: Shown) -> None:
    with dashboard.screen() as screen:
        page = screen.open("overview")
        expect(page.locator("[data-session=hostile]")).to_contain_text(HOSTILE)
        page = screen.open("stations")
        page.get_by_label("Find a station").fill(HOSTILE)
        expect(page.get_by_role("rowheader", name=HOSTILE)).to_be_visible()
        page = screen.open("period")
        page.get_by_label("Station, or empty for all").fill(HOSTILE)
        ask(page, "2025-01-01", date.today().isoformat())  # noqa: DTZ011 -- any day after it
        expect(page.locator(".ev-period__of")).to_contain_text(HOSTILE)
        for opened in screen.context.pages:
            assert opened.locator(".ev-card img").count() == 0
            assert opened.evaluate("window.isHacked") is None


def test_each_cluster_is_told_in_words_hours_and_a_colour_that_it_has_everywhere(
    dashboard: Shown,
) -> None:
    colour = "(element) => getComputedStyle(element, '::before').backgroundColor"
    with dashboard.screen() as screen:
        page = screen.open("clusters")
        profiles = page.locator(".ev-profile")
        expect(profiles.first).to_contain_text(re.compile(r"Plugged in around \d\d:\d\d, stays"))
        colours = {}
        for profile in profiles.all():
            expect(profile.get_by_role("img")).to_have_accessible_name(re.compile("by hour.*most"))
            name = profile.locator(".ev-cluster")
            colours[name.inner_text()] = name.evaluate(colour)
        assert len(set(colours.values())) == len(colours) > 1
        drift = page.get_by_label("Drift")
        expect(drift).to_contain_text("are not like those that the model learnt from")
        expect(drift.get_by_role("row").filter(has_text="0.41")).to_contain_text("drift")
        expect(drift.get_by_role("row").filter(has_text="0.02")).to_contain_text("as trained")
        page = screen.open("overview")
        for name in page.locator(".ev-sessions .ev-cluster").all():
            assert name.evaluate(colour) == colours[name.inner_text()]


def test_a_keyboard_unfolds_why_an_odd_session_is_in_its_cluster(dashboard: Shown) -> None:
    panel = topics.panel("anomalies")
    document = read_retained(dashboard.installation.broker.login("nodered"), (panel,))[panel]
    listed = json.loads(document)["data"]["newest"][0]
    own, following, *_ = listed["cluster_reasons"]["centres"]
    with dashboard.screen() as screen:
        page = screen.open("anomalies")
        row = page.locator(f"[data-session='{listed['source_session_id']}']")
        expect(row).to_contain_text(listed["anomaly_reasons"][0]["message"])
        nearest = row.get_by_text("Nearest:")
        expect(nearest).not_to_be_visible()
        row.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(nearest).to_contain_text(f"{own['cluster_name']}, {own['distance']:.2f}")
        expect(nearest).to_contain_text(f"{following['cluster_name']}, {following['distance']:.2f}")
        expect(row.get_by_role("listitem").filter(has_text="of the weight")).not_to_have_count(0)


def test_all_is_every_session_however_long_ago_and_shown_by_month(dashboard: Shown) -> None:
    with charging(dashboard.installation.broker) as charger:
        start, end = "2010-02-03T10:00:00Z", "2010-02-03T11:00:00Z"
        charger.send(a_session("the first of all", started_at=start, ended_at=end))
    with dashboard.screen() as screen:
        page = screen.open("period")
        first_day = "document.querySelector('[role=group] + form input').value"
        pressed = f"{first_day} === '2010-02-03' || void {PRESS_ALL}"
        page.wait_for_function(pressed, polling=500)
        expect(page.get_by_text("Sessions by month")).to_be_visible()
        (expected,) = counted(dashboard, "2010-01-01", "2099-01-01")
        assert figure(page, "Sessions") == f"{expected.n:,}"


def test_a_page_that_slept_while_all_was_lost_shows_what_came_meanwhile(dashboard: Shown) -> None:
    name = uuid.uuid4().hex
    with dashboard.screen() as screen, charging(dashboard.installation.broker) as charger:
        page = screen.open("overview")
        asleep = screen.context.new_cdp_session(page)
        asleep.send("Page.setWebLifecycleState", {"state": "frozen"})
        # Who is silent for a minute is no longer spoken to; a restart ends the connection as well.
        dashboard.stop_server()
        charger.send(a_session(name))
        engine, stored = dashboard.installation.engine, f"source_session_id = '{name}'"
        wait_until(lambda: count(engine, "ev_session", stored) == 1, within_s=WITHIN_S)
        dashboard.start_server()
        asleep.send("Page.setWebLifecycleState", {"state": "active"})
        expect(page.locator(f"[data-session='{name}']")).to_be_visible()
        expect(page.locator(".ev-banner")).to_have_count(0)
        screen.troubles.clear()  # the browser tells of the connection that it lost


def test_a_banner_says_what_is_down_and_goes_when_it_is_back(dashboard: Shown) -> None:
    with dashboard.screen() as screen:
        page = screen.open("overview")
        banner = page.locator(".ev-banner")
        expect(banner).to_have_count(0)
        dashboard.installation.kill("worker")
        expect(banner).to_contain_text("The stream is down.")
        expect(page.get_by_text("may be out of date").first).to_be_visible()
        dashboard.installation.start_again("worker")
        expect(banner).to_have_count(0)
        dashboard.installation.kill("broker")
        expect(banner).to_contain_text("The message broker does not answer.")
        dashboard.installation.start_again("broker")
        expect(banner).to_have_count(0)
        with charging(dashboard.installation.broker) as charger:
            charger.send(a_session("after the broker was back"))
        expect(page.locator("[data-session='after the broker was back']")).to_be_visible()
        dashboard.stop_server()
        expect(banner).to_contain_text("has lost the dashboard")
        with_tiles = {"map_tiles": TILES, "map_attribution": "those who drew it"}
        dashboard.settings = dashboard.settings.model_copy(update=with_tiles)
        dashboard.start_server()
        expect(banner).to_have_count(0, timeout=2 * SHOWN_WITHIN_MS)
        expect(page.locator("[data-session=hostile]")).to_be_visible()
        screen.troubles.clear()  # the browser tells of each try to reach the server
    only_a_named_server_is_asked_for_squares_of_the_map(dashboard)


def only_a_named_server_is_asked_for_squares_of_the_map(dashboard: Shown) -> None:
    with dashboard.screen() as screen:
        asked: list[str] = []

        def answer(route: Route) -> None:
            asked.append(route.request.url)
            route.fulfill(body=b"")

        screen.context.route(f"{TILE_SERVER}/**", answer)
        page = screen.open("stations")
        expect(page.locator(".ev-map image")).not_to_have_count(0)
        expect(page.locator(".ev-map")).to_contain_text("those who drew it")
        page.wait_for_load_state("networkidle")
        policy = screen.context.request.get(screen.base + "/").headers["content-security-policy"]
        assert f"img-src 'self' data: blob: {TILE_SERVER};" in policy
        assert policy.count("//") == 1
        assert asked
        assert all(trouble.startswith(f"asks {TILE_SERVER}/") for trouble in screen.troubles)
        screen.troubles.clear()
