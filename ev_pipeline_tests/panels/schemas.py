"""What is sent, held against the JSON Schemas of the package."""

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

FOLDER = files("ev_pipeline.panels") / "schemas"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in FOLDER.iterdir())


def schema(name: str) -> dict[str, Any]:
    """The schema of a panel or a message."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return document


def problems(name: str, payload: bytes) -> list[str]:
    """What of the payload is not as its schema says."""
    validator = Draft202012Validator(schema(name), format_checker=FormatChecker())
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in validator.iter_errors(json.loads(payload))
    ]
