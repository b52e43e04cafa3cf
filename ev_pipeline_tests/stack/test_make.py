"""The commands of the Makefile: listed, documented, and plain about what a machine lacks."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ev_pipeline_tests.house.repository import ROOT

PROGRAMS = ("bash", "dirname", "env", "mkdir", "rm")


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A directory of programs without Python and without uv."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return programs


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setting up reads, in a place of its own."""
    folder = tmp_path / "checkout"
    (folder / ".ci").mkdir(parents=True)
    for name in (".ci/setup", ".ci/uv.lock", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def set_up(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / ".ci/setup")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_every_target_is_listed_by_help() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert phony is not None
    command = ["make", "help"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = re.findall(r"^make ([a-z-]+)", result.stdout, re.MULTILINE)
    assert set(listed) == set(phony[1].split())


def test_set_up_without_python_says_what_to_install(checkout: Path, bare_path: Path) -> None:
    result = set_up(checkout, PATH=str(bare_path))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "no Python 3.11 or newer" in result.stderr
    assert "apt-get install python3" in result.stderr


def test_set_up_without_uv_and_venv_says_what_to_install(
    checkout: Path, bare_path: Path, tmp_path: Path
) -> None:
    (bare_path / "python3").symlink_to(sys.executable)
    stripped = tmp_path / "stripped"
    stripped.mkdir()
    (stripped / "ensurepip.py").write_text("raise ImportError")
    result = set_up(checkout, PATH=str(bare_path), PYTHONPATH=str(stripped))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "no venv module" in result.stderr
    assert "apt-get install python3-venv" in result.stderr


@pytest.mark.long
def test_a_fresh_clone_sets_itself_up_without_uv_and_with_a_home_that_cannot_be_written(
    bare_path: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    cloning = ["git", "clone", "-q", str(ROOT), str(clone)]
    subprocess.run(cloning, check=True)
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    (bare_path / "python3").symlink_to(base)
    kept = {name: os.environ[name] for name in os.environ if name.endswith(("_proxy", "_PROXY"))}
    result = set_up(clone, PATH=str(bare_path), HOME=os.devnull, **kept)
    assert result.returncode == 0, result.stderr
    assert (clone / ".uv/bin/uv").exists()
    command = [str(clone / ".venv/bin/ev-pipeline"), "--help"]
    assert subprocess.run(command, check=True, capture_output=True).stdout


def test_continuous_integration_runs_check_and_test() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert re.findall(r"^time make (\w+)$", script.read_text(), re.MULTILINE) == [
        "setup",
        "check",
        "test",
    ]
