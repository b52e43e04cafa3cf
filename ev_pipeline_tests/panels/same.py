"""Whether what is shown is what was counted: everything equal, means to the last few digits."""

from typing import Any

import pytest


def assert_same(found: Any, expected: Any, path: str = "") -> None:
    """Every expected value is found; a float may differ by what one more division rounds."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_same(found[name], value, f"{path}.{name}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_same(one, other, f"{path}[{number}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-12), path
    else:
        assert found == expected, path
