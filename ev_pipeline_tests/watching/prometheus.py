"""Prometheus's own programs, which the tests of what watches the stream are tried with.

What lives here: finding and running them. What does not: rules and boards (`infra`).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ev_pipeline_tests.house.repository import ROOT

ALERTS: Final = ROOT / "infra" / "prometheus" / "alerts.yaml"
CONFIGURATION: Final = ROOT / "infra" / "prometheus" / "prometheus.yaml"
BOARD: Final = ROOT / "infra" / "grafana" / "dashboard.json"


def program(name: str) -> str:
    """Where it is; a machine without it skips the test, and fails it where CI is set."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if found is None:
        told = f"no {name}: .ci/prometheus places it"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return found


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What promtool said."""
    command = [program("promtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Query:
    """What a panel asks, as Grafana would send it.

    Args:
        panel: the panel's title.
        expression: the query, with the board's variables filled in.
    """

    panel: str
    expression: str


def board_queries() -> list[Query]:
    """Every query of the board."""
    filled = {"$job": "ev-stream", "$instance": ".*", "$__rate_interval": "4s"}
    found = []
    for panel in json.loads(BOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in filled.items():
                expression = expression.replace(name, value)
            found.append(Query(panel["title"], expression))
    return found


def worker_figures(text: str) -> set[str]:
    """Every figure of the worker that a text names; those that rules record have colons."""
    return set(re.findall(r"\bev_stream_\w+", text))
