"""The flows are what their description says, and every piece that they name is there."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ev_pipeline.messaging.login import Login
from ev_pipeline.stack.node import find_node
from ev_pipeline.stack.nodered_packages import packages_directory
from ev_pipeline_tests.running_broker import RunningBroker
from infra.nodered_flows import FLOWS, HERE, PAGES, describe, encode

TESTS = Path(__file__).parent

RUN_WITHIN_S = 120
"""s; on a quiet machine it takes three."""


def test_the_flows_are_what_their_description_says_else_run_it_again() -> None:
    assert FLOWS.read_text() == encode(describe()), "run python -m infra.nodered_flows"


def test_each_wire_and_group_leads_somewhere_and_no_two_nodes_have_one_id() -> None:
    nodes = describe()
    ids = [node["id"] for node in nodes]
    assert len(ids) == len(set(ids))
    named = {
        node[name] for node in nodes for name in ("z", "group", "page", "ui") if node.get(name)
    }
    wired = {target for node in nodes for wire in node.get("wires", []) for target in wire}
    assert named | wired <= set(ids)


def test_each_card_has_its_module_and_nothing_lies_about() -> None:
    cards = {card.name for page in PAGES for card in page.cards} | {"bar"}
    assert {path.stem for path in (HERE / "browser" / "panels").glob("*.js")} == cards
    named = {node["func"] for node in describe() if node["type"] == "function"}
    assert {path.read_text() for path in (HERE / "functions").iterdir()} == named


def test_the_flows_hold_no_secret_and_no_address() -> None:
    text = FLOWS.read_text()
    credentials = json.loads((HERE / "flows_cred.json").read_text())
    values = [value for node in credentials.values() for value in node.values()]
    assert values == ["${EV_MQTT_USERNAME}", "${EV_MQTT_PASSWORD}"]
    assert "://" not in text.replace("ui-template", "")


def test_no_page_renders_a_message_as_html() -> None:
    for path in (HERE / "browser").rglob("*.js"):
        code = path.read_text()
        assert "v-html" not in code, path
        assert "innerHTML" not in code, path
        assert "://" not in code, path


def run_in_node(*files: Path, environment: Mapping[str, str] | None = None) -> None:
    """Node.js has run the tests of these files, and none failed."""
    run = subprocess.run(
        [find_node(account=None).program, "--test", *files],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stdout


def test_the_pages_own_functions_do_what_they_say() -> None:
    run_in_node(*sorted(TESTS.glob("*.test.mjs")))


def test_the_flows_bring_each_message_where_it_belongs_in_node_reds_own_test_helper(
    broker: RunningBroker,
) -> None:
    dashboard = broker.login("nodered")
    writers = {account: broker.login(account).password for account in ("stream", "dagster")}
    run_in_node(
        TESTS / "flows_run.mjs",
        environment=reach(dashboard)
        | {
            "EV_MQTT_USERNAME": dashboard.username,
            "EV_MQTT_PASSWORD": dashboard.password,
            "EV_TEST_ACCOUNTS": json.dumps(writers),
            "EV_TEST_PACKAGES": str(packages_directory()),
        },
    )


def reach(login: Login) -> dict[str, str]:
    """Where the broker is, and by what it is known."""
    return {
        "EV_MQTT_HOST": login.host,
        "EV_MQTT_PORT": str(login.port),
        "EV_MQTT_CA_FILE": str(login.ca_file),
    }
