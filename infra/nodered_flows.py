"""What the dashboard's flows are made of: `python -m infra.nodered_flows` writes `flows.json`.

What lives here: which pages and cards there are, and how messages reach them. What does not: how a
card looks (`browser`), what a function node does (`functions`).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent / "nodered"
FLOWS: Final = HERE / "flows.json"

Node = dict[str, Any]

ACCOUNT: Final = "nodered"
"""The dashboard's account at the broker, which its topics end in."""

COLUMNS: Final = 12
"""Columns of a page on a screen of a desk or a wall; phones get fewer, and cards fill them."""

BROKER: Final = "config-broker"
"""Also the broker's key in `flows_cred.json`."""

DASHBOARD: Final = "config-dashboard"
THEME: Final = "config-theme"
AUTHORITY: Final = "config-authority"


@dataclass(frozen=True)
class Card:
    """One card of a page.

    Args:
        name: its module in `browser/panels`.
        title: what people read in Node-RED's editor.
        width: columns of twelve.
        panel: the retained panel that feeds it, where that has another name; null where it is fed
            in another way.
    """

    name: str
    title: str
    width: int = COLUMNS
    panel: str | None = ""


@dataclass(frozen=True)
class Page:
    """One page of the dashboard, and the tab of the editor that feeds it."""

    name: str
    title: str
    cards: tuple[Card, ...]


PAGES: Final = (
    Page(
        "overview",
        "Overview",
        (
            Card("summary", "Summary"),
            Card("trend_daily", "By day", 8),
            Card("pipeline", "Pipeline", 4),
            Card("trend_weekly", "By week", 6),
            Card("time_of_day", "Time of day", 6),
            Card("live", "Newest sessions"),
        ),
    ),
    Page("period", "Period", (Card("period", "Period", panel=None),)),
    Page(
        "money",
        "Money",
        (
            Card("cost", "Revenue"),
            Card("revenue_by_station", "Revenue by station", panel="stations"),
        ),
    ),
    Page("stations", "Users and stations", (Card("users", "Users"), Card("stations", "Stations"))),
    Page("clusters", "Clusters", (Card("clusters", "Clusters"), Card("models", "Models"))),
    Page(
        "anomalies", "Anomalies", (Card("anomalies", "Anomalies"), Card("quality", "Data quality"))
    ),
)
"""In the order of the pages' bar."""

_STYLE: Final = '@import url("/ev/theme.css");'
"""The style of every page is a file of its own."""

_CARD_TEMPLATE: Final = """\
<template>
  <component :is="card" v-if="card" :document="msg.payload" :widget="id" :send="send" :socket="$socket" />
</template>
<script>
export default {
  data () { return { card: null } },
  mounted () {
    import('/ev/panels/%s.js').then((module) => { this.card = Vue.markRaw(module.default) })
  }
}
</script>
"""  # noqa: E501 - one element of HTML
"""Loads the card's module and hands it what arrives; Dashboard 2 evaluates it in the browser."""


def describe() -> list[Node]:
    """Every node of the flows, tab by tab."""
    nodes = _configuration()
    for order, page in enumerate(PAGES, start=1):
        nodes += _page(page, order)
    return nodes + _stream()


def encode(nodes: list[Node]) -> str:
    """The flows as the file holds them."""
    return json.dumps(nodes, indent=2, ensure_ascii=False) + "\n"


def _configuration() -> list[Node]:
    """What all tabs share: the broker, the dashboard, its theme and its style."""
    return [
        {
            "id": BROKER,
            "type": "mqtt-broker",
            "name": "The stack's broker",
            "broker": "${EV_MQTT_HOST}",
            "port": "${EV_MQTT_PORT}",
            "tls": AUTHORITY,
            "usetls": True,
            "clientid": "",
            "autoConnect": True,
            "protocolVersion": "5",
            "keepalive": "15",
            "cleansession": True,
            "autoUnsubscribe": True,
        },
        {
            "id": AUTHORITY,
            "type": "tls-config",
            "name": "The stack's authority",
            "cert": "",
            "key": "",
            "ca": "${EV_MQTT_CA_FILE}",
            "certname": "",
            "keyname": "",
            "caname": "",
            "servername": "",
            "alpnprotocol": "",
            "verifyservercert": True,
        },
        {
            "id": DASHBOARD,
            "type": "ui-base",
            "name": "EV Pipeline",
            "path": "/ui",
            "appIcon": "/ev/icon.svg",
            "includeClientData": True,
            "acceptsClientConfig": ["ui-template"],
            "headerContent": "none",
            "titleBarStyle": "hidden",
            "navigationStyle": "none",
            "showReconnectNotification": False,
            "showDisconnectNotification": False,
            "allowInstall": False,
        },
        {
            "id": THEME,
            "type": "ui-theme",
            "name": "Plain",
            "colors": {
                "surface": "#ffffff",
                "primary": "#0b5cad",
                "bgPage": "#f4f5f7",
                "groupBg": "#ffffff",
                "groupOutline": "#d5d9e0",
            },
            "sizes": {
                "density": "default",
                "pagePadding": "16px",
                "groupGap": "16px",
                "groupBorderRadius": "8px",
                "widgetGap": "12px",
            },
        },
    ]


def _page(page: Page, order: int) -> list[Node]:
    tab = f"tab-{page.name}"
    nodes: list[Node] = [
        {"id": tab, "type": "tab", "label": page.title},
        {
            "id": f"page-{page.name}",
            "type": "ui-page",
            "name": page.title,
            "ui": DASHBOARD,
            "path": f"/{page.name}",
            "layout": "grid",
            "theme": THEME,
            "order": order,
            "breakpoints": [
                {"name": "Phone", "px": "0", "cols": "1"},
                {"name": "Desk", "px": "900", "cols": str(COLUMNS)},
            ],
        },
    ]
    for row, card in enumerate(page.cards, start=1):
        nodes += _card(page, card, row)
    if page.name == "period":
        nodes += _questions(tab)
    return nodes


def _card(page: Page, card: Card, row: int) -> list[Node]:
    tab, group, template = f"tab-{page.name}", f"group-{card.name}", f"card-{card.name}"
    nodes: list[Node] = [
        {
            "id": group,
            "type": "ui-group",
            "name": card.title,
            "page": f"page-{page.name}",
            "width": str(card.width),
            "height": "1",
            "order": row,
            "showTitle": False,
        },
        _template(template, card.title, card.name, place=(560, 80 * row), tab=tab)
        | {"group": group, "order": 1},
    ]
    if card.panel is not None:
        topic = f"ev/dashboard/{card.panel or card.name}"
        nodes.append(_heard(f"in-{card.name}", topic, tab, (220, 80 * row), [template]))
    return nodes


def _questions(tab: str) -> list[Node]:
    """A browser's question goes to the worker, and its answer back to that browser."""
    ask = {
        "id": "out-period",
        "type": "mqtt out",
        "z": tab,
        "name": "",
        "topic": f"ev/dashboard/request/{ACCOUNT}",
        "qos": "1",
        "retain": "false",
        "broker": BROKER,
        "x": 1060,
        "y": 80,
        "wires": [],
    }
    nodes = [
        _function("function-ask-period", "ask_period", tab, (820, 80), ["out-period"]),
        ask,
        _heard(
            "in-answers",
            f"ev/answers/{ACCOUNT}/period/+",
            tab,
            (220, 160),
            ["function-answer-period"],
        ),
        _function("function-answer-period", "answer_period", tab, (560, 160), ["card-period"]),
    ]
    for row, panel in enumerate(("summary", "stations"), start=3):
        place, to = (220, 80 * row), ["function-period-choices"]
        nodes.append(_heard(f"in-choices-{panel}", f"ev/dashboard/{panel}", tab, place, to))
    choices = _function(
        "function-period-choices", "period_choices", tab, (560, 240), ["card-period"]
    )
    return [*nodes, choices]


def _stream() -> list[Node]:
    """The bar above every page: where to go, and whether what is shown is of now."""
    tab = "tab-stream"
    inputs = ["in-status"]
    return [
        {"id": tab, "type": "tab", "label": "Stream"},
        _heard("in-status", "ev/stream/status", tab, (180, 80), ["function-stream-state"]),
        {
            "id": "status-broker",
            "type": "status",
            "z": tab,
            "name": "Is the broker heard?",
            "scope": inputs,
            "x": 180,
            "y": 140,
            "wires": [["function-stream-state"]],
        },
        _function("function-stream-state", "stream_state", tab, (460, 80), ["card-bar"]),
        _template("card-bar", "Bar", "bar", place=(720, 80), tab=tab)
        | {"ui": DASHBOARD, "templateScope": "widget:ui"},
        _template("style", "Style", "", place=(720, 140), tab=tab)
        | {"ui": DASHBOARD, "templateScope": "site:style", "format": _STYLE},
    ]


def _heard(node: str, topic: str, tab: str, place: tuple[int, int], to: list[str]) -> Node:
    return {
        "id": node,
        "type": "mqtt in",
        "z": tab,
        "name": "",
        "topic": topic,
        "qos": "1",
        "datatype": "json",
        "broker": BROKER,
        "nl": False,
        "rap": True,
        "rh": 0,
        "inputs": 0,
        "x": place[0],
        "y": place[1],
        "wires": [to],
    }


def _function(node: str, file: str, tab: str, place: tuple[int, int], to: list[str]) -> Node:
    return {
        "id": node,
        "type": "function",
        "z": tab,
        "name": file.replace("_", " ").capitalize(),
        "func": (HERE / "functions" / f"{file}.js").read_text(),
        "outputs": 1,
        "timeout": 0,
        "noerr": 0,
        "initialize": "",
        "finalize": "",
        "libs": [],
        "x": place[0],
        "y": place[1],
        "wires": [to],
    }


def _template(node: str, title: str, module: str, *, place: tuple[int, int], tab: str) -> Node:
    return {
        "id": node,
        "type": "ui-template",
        "z": tab,
        "name": title,
        "group": "",
        "page": "",
        "ui": "",
        "width": "0",
        "height": "0",
        "head": "",
        "format": _CARD_TEMPLATE % module,
        "storeOutMessages": False,
        "passthru": False,
        "resendOnRefresh": True,
        "templateScope": "local",
        "className": "",
        "x": place[0],
        "y": place[1],
        "wires": [["function-ask-period"] if module == "period" else []],
    }


if __name__ == "__main__":
    FLOWS.write_text(encode(describe()))
