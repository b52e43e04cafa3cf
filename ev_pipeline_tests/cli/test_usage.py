"""How the command speaks when it is called wrongly, and when it is asked what it is."""

import subprocess
import sys
from importlib.metadata import version

import pytest


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ev_pipeline.cli.main", *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lod"], "no such command 'lod'. Did you mean 'load', 'loads'?; see `ev-pipeline --help`"),
        (["load", "--dry"], "no such option: --dry"),
        (["sources", "check", "x"], "missing argument 'FILE'; see `ev-pipeline sources check -"),
        (["sources", "check", "--rows", "few", "x", "y"], "'--rows': Input should be a valid"),
        (["up", "--detach=4"], "option '--detach' does not take a value"),
    ],
)
def test_a_wrong_use_is_one_line_with_the_mend_and_exit_code_2(words: list[str], said: str) -> None:
    done = _run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr
    assert "--help`" in done.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["sources"], ["loads"], ["quarantine"], ["models"], ["export"], ["sources", "check"]],
)
def test_help_has_an_example(words: list[str]) -> None:
    done = _run(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(["Example: ev-pipeline", *words]) in " ".join(done.stdout.split())


def test_the_version_is_the_package_s() -> None:
    assert _run("--version").stdout == f"ev-pipeline {version('ev-pipeline')}\n"
