"""What keeps a simulator from beginning is said in one line, with the mend."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ev_pipeline_tests.conftest import free_port
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import Simulator, replayed


@pytest.fixture
def simulator(broker: RunningBroker, home: Path) -> Simulator:
    return Simulator(broker.login("charger-1"), home)


def test_a_wrong_password(simulator: Simulator) -> None:
    wrong = replace(simulator, login=replace(simulator.login, password="wrong"))  # noqa: S106 -- it is wrong
    told = wrong.failing(*replayed())
    assert "the broker refuses the account charger-1" in told
    assert "ev-pipeline accounts list" in told


def test_no_broker(simulator: Simulator) -> None:
    nowhere = replace(simulator, login=replace(simulator.login, port=free_port()))
    assert "the broker does not answer" in nowhere.failing(*replayed())


def test_an_authority_that_is_not_the_brokers(
    simulator: Simulator, own_broker: RunningBroker
) -> None:
    other = own_broker.login("charger-1").ca_file
    strange = replace(simulator, login=replace(simulator.login, ca_file=other))
    told = strange.failing(*replayed())
    assert "certificate is not to be trusted" in told
    assert "EV_MQTT_CA_FILE" in told


def test_an_account_that_is_not_there(simulator: Simulator) -> None:
    told = simulator.failing(*replayed("--account", "nobody"))
    assert "no credentials of the account 'nobody'" in told
    assert "ev-pipeline accounts add nobody" in told


def test_a_file_that_is_not_there(simulator: Simulator) -> None:
    told = simulator.failing(*replayed(file=Path("no.csv")))
    assert told.startswith("error: no.csv:")


def test_a_mapping_of_something_else(simulator: Simulator) -> None:
    told = simulator.failing(*replayed(source="canonical_stations"))
    assert "reads no sessions" in told


@pytest.mark.parametrize(
    "words",
    [
        replayed("--rate", "5", "--interval", "1"),
        replayed("--speed", "2", "--poisson"),
        replayed("--as-is", "--spread-days", "3"),
        replayed("--duplicate", "2"),
        ["fleet", "--live", "--speed", "3"],
        ["fleet", "--users", "2"],
        ["no-such-command"],
    ],
    ids=lambda words: " ".join(words[-4:]),
)
def test_words_that_make_no_sense_together_are_wrong_usage(words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "simulator", *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith("error:")
