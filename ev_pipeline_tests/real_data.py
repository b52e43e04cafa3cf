"""Where the real session files are: beside the project, or where `EV_TEST_DATA` says.

What lives here: the lookup, and what a test does without them. What does not: reading them.
"""

import os
from pathlib import Path
from typing import Final

import pytest

_PROJECT: Final = Path(__file__).parents[1]

TEST_DATA: Final = "EV_TEST_DATA"
"""The variable that names the folder; no setting of the pipeline."""


def real_data_folder() -> Path:
    """The folder of the real sets, whether or not it is there."""
    return Path(os.environ.get(TEST_DATA) or _PROJECT.parent / "shared" / "data")


def real_file(folder: str, name: str) -> Path:
    """One real file; without it the test skips and says why, and fails where `CI` is true."""
    path = real_data_folder() / folder / name
    if not path.is_file():
        reason = f"no real sessions at {path}; say in {TEST_DATA} where they are"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path
