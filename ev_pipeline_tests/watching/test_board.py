"""Grafana's board is one that Grafana can read, and shows only what there is."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ev_pipeline_tests.watching.figures import exported
from ev_pipeline_tests.watching.prometheus import (
    ALERTS,
    BOARD,
    Query,
    board_queries,
    promtool,
    worker_figures,
)

register_default_plugins()


@pytest.fixture
def board() -> dict[str, Any]:
    document = json.loads(BOARD.read_text())
    assert isinstance(document, dict)
    return document


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def unknown(written: Any, read: Any, place: str = "") -> Iterator[str]:
    """Every part of what was written that is not in what Grafana's own model read of it."""
    if isinstance(written, dict) and isinstance(read, dict):
        for name in written:
            if name in read:
                yield from unknown(written[name], read[name], f"{place}/{name}")
            else:
                yield f"{place}/{name}"
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for number, pair in enumerate(zip(written, read, strict=True)):
            yield from unknown(*pair, f"{place}/{number}")
    elif written != read:
        yield place


def as_read(board: dict[str, Any]) -> Any:
    return json.loads(JSONEncoder().encode(Dashboard.from_json(board)))


def test_grafanas_own_model_knows_every_field(board: dict[str, Any]) -> None:
    assert list(unknown(board, as_read(board))) == []
    board["panels"][1]["options"]["no_such_option"] = True
    board["panels"][2]["girdPos"] = {}
    assert list(unknown(board, as_read(board))) == [
        "/panels/1/options/no_such_option",
        "/panels/2/girdPos",
    ]


def test_panels_have_a_place_of_their_own_on_the_grid(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells.isdisjoint(taken), panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_each_panel_says_what_it_shows_in_which_unit_from_the_chosen_source(
    board: dict[str, Any],
) -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(board):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
    source, *others = board["templating"]["list"]
    assert (source["type"], source["name"], source["query"]) == (
        *("datasource", "datasource"),
        "prometheus",
    )
    assert all(variable["datasource"] == chosen for variable in others)


def test_seconds_are_shown_as_seconds_and_bytes_as_bytes(board: dict[str, Any]) -> None:
    for panel in panels(board):
        for target in panel["targets"]:
            ending = re.search(r"_(seconds|bytes)(_bucket)?\{", target["expr"])
            if ending and "/" not in target["expr"]:
                unit = panel["fieldConfig"]["defaults"]["unit"]
                assert unit == {"seconds": "s", "bytes": "bytes"}[ending[1]], panel["title"]


def test_every_query_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query.expression}
        for number, query in enumerate(board_queries())
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


@pytest.mark.parametrize("file", [ALERTS, BOARD], ids=lambda path: path.name)
def test_only_figures_are_used_that_the_worker_has(file: Path) -> None:
    used = worker_figures(file.read_text())
    assert len(used) > 10
    assert used <= exported()


def test_every_figure_of_the_worker_is_on_the_board() -> None:
    def families(names: set[str]) -> set[str]:
        return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}

    assert families(exported()) == families(worker_figures(BOARD.read_text()))


def test_a_query_of_a_panel_is_asked_for_one_job() -> None:
    asked: list[Query] = board_queries()
    assert len(asked) > 20
    assert all("$" not in query.expression for query in asked)
