"""Node-RED as a service: what it needs, and what happens where that is missing."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.settings import Settings
from ev_pipeline.stack import doctor_programs
from ev_pipeline.stack.account import Account
from ev_pipeline.stack.doctor import CHECKS, examine
from ev_pipeline.stack.layout import Layout
from ev_pipeline.stack.local import prepare_dashboard_if_wanted
from ev_pipeline.stack.node import WHEEL, find_node
from ev_pipeline.stack.nodered import editor_password
from ev_pipeline.stack.nodered_packages import packages_directory, require_packages
from ev_pipeline.stack.ports import stack_ports


def test_without_its_packages_the_stack_goes_on_and_is_told_how_to_mend_it(home: Path) -> None:
    settings = Settings(home=home, nodered_packages=home / "nowhere")
    said: list[str] = []
    assert prepare_dashboard_if_wanted(settings, said.append) is None
    assert len(said) == 1
    assert said[0].startswith("without the dashboard: ")
    assert "run `make setup`" in said[0]
    finding = examine("dashboard", CHECKS["dashboard"], settings)
    assert not finding.is_ok
    assert "make setup" in finding.mend


def test_a_dashboard_that_is_not_wanted_needs_nothing_and_no_port(home: Path) -> None:
    settings = Settings(home=home, dashboard=False, nodered_packages=home / "nowhere")
    said: list[str] = []
    assert prepare_dashboard_if_wanted(settings, said.append) is None
    assert said == []
    assert "EV_NODERED_PORT" not in stack_ports(settings)
    assert examine("dashboard", CHECKS["dashboard"], settings).is_ok


def test_packages_of_another_lock_file_are_not_taken(tmp_path: Path) -> None:
    program = require_packages(packages_directory())
    assert program.is_file()
    (tmp_path / ".placed").write_text("another lock file's hash")
    with pytest.raises(PipelineError, match="or of another version"):
        require_packages(tmp_path)


@pytest.mark.parametrize("said", ["v18.20.1", "no version at all"])
def test_a_node_js_that_does_not_fit_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    program = tmp_path / "node"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    node = find_node(account=None)
    assert WHEEL in node.program.parts
    assert node.npm[0] == str(node.program)


@pytest.mark.parametrize(
    "address", ["tiles.example.org/{z}/{x}/{y}.png", "https://tiles.example.org/{z}/{x}.png"]
)
def test_what_is_no_tile_server_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValidationError, match="write one like https://"):
        Settings(map_tiles=address)
    assert Settings(map_tiles="http://maps.lan/{z}/{x}/{y}.png").map_tiles


class Outsider(Account):
    """A user who may enter nothing of ours."""

    def can_enter(self, path: Path) -> bool:
        return not path.is_file()


def test_a_checkout_that_the_servers_user_may_not_enter_is_named_with_its_mend(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_programs, "server_account", lambda: Outsider("nobody", 65534, 65534))
    finding = examine("dashboard", CHECKS["dashboard"], Settings(home=home))
    assert not finding.is_ok
    assert re.search(r"runs as user nobody, who may not run /.*node", finding.what)
    assert "chmod a+x" in finding.mend


def test_the_editors_password_is_made_once_and_nobody_else_may_read_it(home: Path) -> None:
    layout = Layout(home)
    layout.make()
    password = editor_password(layout)
    assert len(password) > 20
    assert editor_password(layout) == password
    file = layout.credentials / "nodered-editor.env"
    assert file.stat().st_mode & 0o777 == 0o600
