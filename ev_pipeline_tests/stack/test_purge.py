"""`down --purge` removes a stack's files when it is told to, and nobody else's."""

import os
import pwd
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ev_pipeline.cli.main import app
from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.accounts import ACCOUNTS_FILE
from ev_pipeline.settings import Settings
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.postgres import prepare
from ev_pipeline.stack.purge import require_ours
from ev_pipeline.stack.serving import served
from ev_pipeline.stack.state import become_only_supervisor
from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.running_broker import prepared


@pytest.fixture
def left_behind(home: Path) -> Layout:
    """What a start leaves behind, without the wait for one."""
    layout = prepared(Settings(home=home))
    os.close(become_only_supervisor(layout))
    (home / "stack.env").write_text("EV_TIMEZONE=UTC\n")
    (layout.logs / "postgres.log").write_text("x" * 3_000_000)
    (layout.outbox / "simulator").mkdir(parents=True)
    Layout(layout.restore_unfinished).credentials.mkdir(parents=True)
    layout.restore_mark.touch()
    return layout


def purge(home: Path, *options: str, says: str = "") -> Result:
    """`down --purge` as the command does it, in this process."""
    command = ["down", "--purge", *options]
    return CliRunner().invoke(app, command, input=says, env={"EV_HOME": str(home)})


@pytest.mark.parametrize("says", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_removed(left_behind: Layout, says: str) -> None:
    before = sorted(left_behind.home.rglob("*"))
    asked = purge(left_behind.home, says=says)
    assert f"removes the stack of {left_behind.home} (3 MB)" in asked.stderr
    assert isinstance(asked.exception, PipelineError)
    assert "nothing was stopped or removed" in str(asked.exception)
    assert "--yes" in asked.exception.mend
    assert sorted(left_behind.home.rglob("*")) == before


@pytest.mark.parametrize(("options", "says"), [(("--yes",), ""), ((), "y\n")])
def test_with_a_yes_the_home_is_gone(
    left_behind: Layout, options: tuple[str, ...], says: str
) -> None:
    assert (left_behind.home / ACCOUNTS_FILE).exists()
    asked = purge(left_behind.home, *options, says=says)
    assert asked.exit_code == 0, asked.stderr
    assert not left_behind.home.exists()


def test_what_links_lead_to_and_what_is_not_the_stacks_stays(
    left_behind: Layout, tmp_path: Path
) -> None:
    home = left_behind.home
    (tmp_path / "precious").write_text("mine")
    (left_behind.logs / "a_link").symlink_to(tmp_path)
    shutil.move(left_behind.dagster, tmp_path / "elsewhere")
    left_behind.dagster.symlink_to(tmp_path / "elsewhere")
    (home / "notes.txt").write_text("mine")
    asked = purge(home, "--yes")
    assert asked.exit_code == 0, asked.stderr
    assert f"kept what is not the stack's: {home / 'notes.txt'}" in asked.stderr.replace("\n", "")
    assert list(home.iterdir()) == [home / "notes.txt"]
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "elsewhere").is_dir()


def test_a_directory_in_which_no_stack_was_started_is_left_alone(home: Path) -> None:
    for name in ("logs", "run", "postgres"):
        (home / name).mkdir()
    asked = purge(home, "--yes")
    assert isinstance(asked.exception, PipelineError)
    assert "no stack was ever started there" in str(asked.exception)
    assert len(list(home.iterdir())) == 3


def test_data_that_another_server_serves_is_left_alone(home: Path) -> None:
    cluster = prepare(Settings(home=home, postgres_port=free_port()))
    os.close(become_only_supervisor(cluster.layout))
    with served(cluster):
        asked = purge(home, "--yes")
        assert cluster.trouble() is None
    assert isinstance(asked.exception, PipelineError)
    assert "a PostgreSQL server that this stack did not start" in str(asked.exception)
    assert cluster.layout.credentials.exists()


def test_yes_to_nothing_is_wrong_usage(home: Path) -> None:
    asked = CliRunner().invoke(app, ["down", "--yes"], env={"EV_HOME": str(home)})
    assert asked.exit_code == 2
    assert "--purge" in asked.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is another user at will")
def test_somebody_elses_stack_is_left_alone(left_behind: Layout) -> None:
    before = sorted(left_behind.home.rglob("*"))
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        with pytest.raises(PipelineError, match="belongs to another user"):
            require_ours(left_behind)
    finally:
        os.seteuid(0)
    assert sorted(left_behind.home.rglob("*")) == before
