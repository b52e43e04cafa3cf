"""`infra/compose.yaml` as the tests of it read it.

What lives here: the file, its variables filled in. What does not: any rule that it keeps to.
"""

import copy
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML

from ev_pipeline_tests.house.repository import ROOT

COMPOSE_FILE: Final = ROOT / "infra" / "compose.yaml"

_VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True)
class Mount:
    """One volume, directory or file that a service sees.

    Args:
        source: a volume's name, or a path that begins with a dot.
        target: where the service has it.
        is_read_only: whether it may only read.
    """

    source: str
    target: str
    is_read_only: bool


def compose(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The whole file, with what the environment says in the place of its variables."""
    known = environment or {}

    def value(found: re.Match[str]) -> str:
        return known.get(found[1]) or found[2]

    return copy.deepcopy(_parsed(_VARIABLE.sub(value, COMPOSE_FILE.read_text())))


@functools.cache
def _parsed(text: str) -> dict[str, Any]:
    document = YAML(typ="safe").load(text)
    assert isinstance(document, dict)
    return document


def services(environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Every service by name."""
    return {str(name): dict(each) for name, each in compose(environment)["services"].items()}


def mounts(service: Mapping[str, Any]) -> list[Mount]:
    """What the service sees beside its image."""
    found = []
    for line in service.get("volumes", []):
        source, target, *mode = str(line).split(":")
        found.append(Mount(source, target, mode == ["ro"]))
    return found


def ports(service: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The service's published ports: address, port of the host, port of the container."""
    found = []
    for line in service.get("ports", []):
        address, outer, inner = str(line).split(":")
        found.append((address, outer, inner))
    return found
