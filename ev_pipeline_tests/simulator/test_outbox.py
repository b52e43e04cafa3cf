"""What was reported is kept until the broker has it, whatever ends meanwhile."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from ev_pipeline_tests.messaging.listening import listening
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import (
    WITHIN_S,
    Heard,
    Simulator,
    hearing,
    replayed,
    summary,
)
from ev_pipeline_tests.stack.processes import wait_until
from simulator.sending.line import HOLD_S

STEADY = replayed("--rate", "400", "--seed", "5", "--duplicate", "0.05", "--out-of-order", "0.1")


@pytest.fixture
def simulator(broker: RunningBroker, home: Path) -> Simulator:
    return Simulator(broker.add_charger(), home)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=WITHIN_S)


def sessions_of(heard: Heard) -> set[int]:
    """The numbers of the sessions that came, all of one run."""
    assert len({name.rpartition("-")[0] for name in heard.ids()}) == 1
    return {int(name.rpartition("-")[2]) for name in heard.ids()}


@pytest.mark.parametrize("n_kills", [3, pytest.param(30, marks=pytest.mark.long)])
def test_a_simulator_that_is_killed_goes_on_where_it_stopped(
    broker: RunningBroker, simulator: Simulator, n_kills: int
) -> None:
    step = 500 // (n_kills + 1)
    with hearing(broker, simulator.login.username) as heard:
        for number in range(n_kills):
            process = simulator.start(*STEADY)
            heard.wait_for(step * (number + 1))
            kill(process)
        told = simulator.run(*STEADY, "--ids", str(simulator.home / "ids"))
        wait_until(lambda: len(set(heard.ids())) == 500, within_s=WITHIN_S)
    assert sessions_of(heard) == set(range(500))
    assert told["distinct_sessions"] == 500
    assert told["waiting"] == told["refused"] == 0
    assert told["accepted"] == 500 + told["by_kind"]["duplicate"]["accepted"]
    assert set((simulator.home / "ids").read_text().split()) == set(heard.ids())


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_simulator_that_is_asked_to_stop_says_how_far_it_has_come_and_goes_on_later(
    broker: RunningBroker, simulator: Simulator, asked: signal.Signals
) -> None:
    with hearing(broker, simulator.login.username) as heard:
        process = simulator.start(*STEADY)
        heard.wait_for(100)
        process.send_signal(asked)
        told = summary(process)
        assert 100 <= told["accepted"] < 500
        assert told["sent"] == told["accepted"] + told["waiting"]
        assert not told["is_over"]
        rest = simulator.run(*STEADY)
        assert rest["run"] == told["run"]
        assert rest["distinct_sessions"] == 500
        heard.wait_for(rest["accepted"])
    assert sessions_of(heard) == set(range(500))


def test_a_run_that_is_over_is_followed_by_another(
    broker: RunningBroker, simulator: Simulator
) -> None:
    words = replayed("--rate", "0", "--limit", "20")
    with hearing(broker, simulator.login.username) as heard:
        runs = {simulator.run(*words)["run"] for _ in range(2)}
        heard.wait_for(40)
    assert len(runs) == 2
    assert len(set(heard.ids())) == 40


def test_an_interrupted_run_is_given_up_where_that_is_asked_for_but_what_waits_is_sent(
    own_broker: RunningBroker, home: Path
) -> None:
    simulator = Simulator(own_broker.add_charger(), home)  # at a broker that keeps for nobody
    process = simulator.start(*replayed("--rate", "400"))
    box = simulator.home / "outbox" / simulator.login.username / "outbox.sqlite-wal"
    wait_until(lambda: box.exists() and box.stat().st_size > 200_000, within_s=WITHIN_S)
    process.terminate()
    first = summary(process)
    assert first["accepted"] == 0  # nobody subscribes
    with hearing(own_broker, simulator.login.username) as heard:
        told = simulator.run(*replayed("--rate", "0", "--limit", "20", "--anew"))
        heard.wait_for(20 + first["waiting"])
    assert told["run"] != first["run"]
    assert told["distinct_sessions"] == 20
    assert len(set(heard.ids())) == 20 + first["waiting"]


def test_a_broker_that_is_away_for_a_while_costs_no_session(
    own_broker: RunningBroker, home: Path
) -> None:
    simulator = Simulator(own_broker.add_charger(), home)
    with hearing(own_broker, simulator.login.username) as heard:
        process = simulator.start(*STEADY)
        heard.wait_for(100)
        own_broker.stop()
        own_broker.start()
        told = summary(process)
        wait_until(lambda: len(set(heard.ids())) == 500, within_s=WITHIN_S)
    assert sessions_of(heard) == set(range(500))
    assert told["distinct_sessions"] == 500
    assert told["waiting"] == told["held"] == 0


def await_saved(broker: RunningBroker) -> None:
    """What the broker knows now outlives it."""
    now_s = time.time()
    file = broker.layout.mosquitto / "mosquitto.db"
    wait_until(lambda: file.exists() and file.stat().st_mtime > now_s, within_s=WITHIN_S)


@pytest.mark.parametrize("n_kills", [1, pytest.param(30, marks=pytest.mark.long)])
def test_what_a_killed_broker_forgets_though_it_had_accepted_it_is_sent_again(
    own_broker: RunningBroker, home: Path, n_kills: int
) -> None:
    simulator, n = Simulator(own_broker.add_charger(), home), 500 * n_kills
    account, absent = simulator.login.username, own_broker.new_session_id()
    with hearing(own_broker, account, client_id=absent):
        pass  # from now on the broker keeps what is reported, as for a worker that is away
    await_saved(own_broker)
    with hearing(own_broker, account) as witness:
        process = simulator.start(
            *replayed("--rate", "400", "--duplicate", "0.05", "--loop", "--limit", str(n)),
            *("--hold", str(HOLD_S)),
        )
        for _ in range(n_kills):
            witness.wait_for(len(witness.messages) + 150)
            own_broker.kill()
            own_broker.start()
        told = summary(process)
    with hearing(own_broker, account, client_id=absent) as heard:
        wait_until(lambda: len(set(heard.ids())) == n, within_s=WITHIN_S)
    assert sessions_of(heard) == set(range(n))
    assert told["sent_again"] > 0
    assert told["distinct_sessions"] == n
    assert told["accepted"] == n + told["by_kind"]["duplicate"]["accepted"]
    assert told["waiting"] == told["held"] == 0


def test_what_nobody_subscribes_to_waits_until_somebody_does(
    own_broker: RunningBroker, home: Path
) -> None:
    simulator = Simulator(own_broker.add_charger(), home)  # at a broker that keeps for nobody
    process = simulator.start(*replayed("--rate", "0", "--limit", "30"))
    assert process.stderr is not None
    assert "nobody takes sessions yet" in process.stderr.readline()
    with hearing(own_broker, simulator.login.username) as heard:
        told = summary(process)
        heard.wait_for(30)
    assert told["accepted"] == told["distinct_sessions"] == 30


def test_what_the_broker_refuses_is_set_aside_and_not_sent_again(
    broker: RunningBroker, home: Path
) -> None:
    simulator = Simulator(broker.login("nodered"), home)
    words = replayed("--rate", "0", "--limit", "12")
    process = simulator.start(*words)
    said, told = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1
    assert '"refused": 12' in said
    assert "the broker refuses 12 messages for good" in told.splitlines()[-1]


def test_an_outbox_is_one_simulators_at_a_time(broker: RunningBroker, simulator: Simulator) -> None:
    process = simulator.start(*replayed("--rate", "1", "--outbox", str(simulator.home / "box")))
    try:
        wait_until((simulator.home / "box" / "outbox.sqlite-wal").exists, within_s=WITHIN_S)
        told = simulator.failing(*replayed("--outbox", str(simulator.home / "box")))
    finally:
        kill(process)
    assert "another simulator sends from this outbox" in told
    assert "--outbox DIR" in told


def test_the_connection_hears_what_was_refused(broker: RunningBroker, simulator: Simulator) -> None:
    name = simulator.login.username
    rejection = b'{"reasons": [{"code": "no_energy"}, {"code": "no_duration"}]}'
    with hearing(broker, name) as heard, listening(broker.login("stream")) as worker:
        process = simulator.start(*replayed("--rate", "50"))
        heard.wait_for(1)
        for _ in range(2):
            worker.client.publish(f"ev/rejections/{name}", rejection).result(WITHIN_S)
        heard.wait_for(50)
        process.terminate()
        told = summary(process)
    assert told["rejected"] == {"no_energy": 2, "no_duration": 2}
