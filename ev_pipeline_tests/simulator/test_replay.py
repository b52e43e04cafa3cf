"""What chargers report of a file: their times, ids, form, mishaps and pace."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.sources.mapping import load_mapping
from ev_pipeline.sources.payloads.messages import Binding, Message, decode_messages
from ev_pipeline.sources.reader import read_batches
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import ONLINE, Heard, Simulator, hearing, replayed

FAST = ("--rate", "0")

DUNDEE = (
    "Charging event,CP ID,Connector,Start Date,Start Time,End Date,End Time,Total kWh,Cost,Site\n"
    '4256786,51356,1,02/03/2018,23:50,03/03/2018,14:16,19.99,0,"Gellatly Street Car Park, Dundee"\n'
    "4256787,51357,2,03/03/2018,08:05,03/03/2018,08:35,7.5,1.2,Queen Street\n"
)

WITHOUT_TIMES = (
    "Charging Station ID;Charging Duration (hours);Energy Consumed (kWh);Charging Rate (kW);"
    "Charging Cost (EUR);Vehicle Model;Battery Capacity (kWh);Vehicle Age (years);"
    "Distance Driven (since last charge) (km);State of Charge (Start %);State of Charge (End %);"
    "Temperature (C);Day of Week\n"
    "Station_391;2.5;40.25;16.1;13.08;Compact;75.5;2;293.6;29.5;82.75;-3.5;Monday\n"
)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def duration(session: dict[str, Any]) -> timedelta:
    return moment(session["ended_at"]) - moment(session["started_at"])


@pytest.fixture
def simulator(broker: RunningBroker, home: Path) -> Simulator:
    return Simulator(broker.add_charger(), home)


@pytest.fixture
def heard(broker: RunningBroker, simulator: Simulator) -> Iterator[Heard]:
    with hearing(broker, simulator.login.username) as heard:
        yield heard


def test_a_row_becomes_a_session_of_its_own_that_ends_now_after_as_long_as_it_took(
    simulator: Simulator, heard: Heard
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    told = simulator.run(*replayed(*FAST, "--limit", "60"))
    heard.wait_for(60)
    assert told["sent"] == told["accepted"] == told["distinct_sessions"] == 60
    assert len(set(heard.ids())) == 60
    with ONLINE.open() as file:
        rows = list(csv.DictReader(file))[:60]
    assert not {row["session_id"] for row in rows} & set(heard.ids())
    for session, row in zip(heard.documents(), rows, strict=True):
        assert duration(session) == duration(row)
        assert before <= moment(session["ended_at"]) <= datetime.now(UTC)
        assert session["energy_kwh"] == float(row["energy_kwh"])
        assert session["station_id"] == row["station_id"]
        assert "connector_id" not in session


def test_times_can_lie_anywhere_in_the_last_days(simulator: Simulator, heard: Heard) -> None:
    simulator.run(*replayed(*FAST, "--limit", "60", "--spread-days", "10", "--seed", "1"))
    heard.wait_for(60)
    ends = [moment(session["ended_at"]) for session in heard.documents()]
    assert min(ends) > datetime.now(UTC) - timedelta(days=10, minutes=1)
    assert timedelta(days=8) < max(ends) - min(ends)


@pytest.mark.parametrize("words", [("--keep-times", *FAST), ("--speed", "1e9")])
def test_kept_times_are_read_as_the_file_itself_is(
    simulator: Simulator, heard: Heard, words: tuple[str, ...]
) -> None:
    simulator.run(*replayed(*words, "--limit", "500"))
    heard.wait_for(500)
    (decoded,) = decoded_of(heard)
    (read,) = read_batches(ONLINE, load_mapping("canonical"), received_at=datetime.now(UTC))
    fields = [name for name in read.frame.columns if name not in ("line", "notes")]
    assert (
        decoded.batch.frame.select(fields)
        .sort("source_session_id")
        .equals(read.frame.select(fields).sort("source_session_id"))
    )


def test_by_the_sources_pace_sessions_come_in_order_of_their_end(
    simulator: Simulator, heard: Heard
) -> None:
    simulator.run(*replayed("--speed", "1e9", "--limit", "200"))
    heard.wait_for(200)
    ends = [moment(session["ended_at"]) for session in heard.documents()]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    ("source", "text"), [("dundee", DUNDEE), ("ev_charging_patterns", WITHOUT_TIMES)]
)
def test_rows_that_are_sent_as_they_are_say_what_the_file_says(
    simulator: Simulator, heard: Heard, tmp_path: Path, source: str, text: str
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(text)
    n_rows = text.count("\n") - 1
    told = simulator.run(*replayed("--as-is", *FAST, file=file, source=source))
    heard.wait_for(n_rows)
    assert told["distinct_sessions"] == n_rows
    (decoded,) = decoded_of(heard)
    assert decoded.mapping.scope == load_mapping(source).scope
    assert decoded.batch.frame["problems"].list.len().to_list() == [0] * n_rows
    assert decoded.batch.frame["delivery_id"].n_unique() == n_rows
    delimiter = load_mapping(source).file.delimiter
    rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    assert heard.documents() == rows


def decoded_of(heard: Heard) -> Any:
    now = datetime.now(UTC)
    messages = [
        Message(each.payload, "charger", now, Binding(), each.properties.get("message_id"))
        for each in heard.messages
    ]
    return decode_messages(messages, default_scope="default")


def test_mishaps_happen_as_often_as_stated_and_cost_no_session(
    simulator: Simulator, heard: Heard
) -> None:
    shares = {"duplicate": 0.1, "malformed": 0.05, "late": 0.08, "out-of-order": 0.1}
    options = [word for name, share in shares.items() for word in (f"--{name}", str(share))]
    told = simulator.run(*replayed(*FAST, "--seed", "7", *options))
    heard.wait_for(told["sent"])
    by_kind = {name.replace("_", "-"): n["accepted"] for name, n in told["by_kind"].items()}
    for name, share in shares.items():
        assert abs(by_kind[name] - share * 500) < 4 * (share * 500) ** 0.5
    assert told["accepted"] == 500 + by_kind["duplicate"] + by_kind["malformed"]
    assert told["distinct_sessions"] == len(set(heard.ids())) == 500
    assert len(heard.messages) - len(heard.documents()) == by_kind["malformed"]
    assert len(heard.documents()) - 500 == by_kind["duplicate"]
    numbers = [int(name.rpartition("-")[2]) for name in dict.fromkeys(heard.ids())]
    later = [max(numbers[:place], default=-1) for place in range(len(numbers))]
    n_overtaken = sum(number < seen for number, seen in zip(numbers, later, strict=True))
    at_the_end = 3  # nothing is left that could overtake them
    assert by_kind["out-of-order"] - at_the_end <= n_overtaken <= by_kind["out-of-order"]
    ends = [moment(session["ended_at"]) for session in heard.documents()]
    n_old = sum(end < max(ends) - timedelta(minutes=9) for end in ends)
    assert n_old >= by_kind["late"]


def test_the_same_seed_means_the_same_mishaps(simulator: Simulator, heard: Heard) -> None:
    words = replayed(*FAST, "--limit", "100", "--seed", "3", "--duplicate", "0.2", "--late", "0.2")
    one, other = simulator.run(*words), simulator.run(*words)
    assert one["by_kind"] == other["by_kind"]
    assert one["run"] != other["run"]
    heard.wait_for(2 * one["sent"])
    assert len(set(heard.ids())) == 200


def test_a_source_begins_again_until_there_are_enough(
    simulator: Simulator, heard: Heard, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(DUNDEE)
    told = simulator.run(*replayed("--loop", "--limit", "7", *FAST, file=file, source="dundee"))
    heard.wait_for(7)
    assert told["distinct_sessions"] == len(set(heard.ids())) == 7


def test_several_accounts_and_connections_share_the_sessions(
    broker: RunningBroker, home: Path
) -> None:
    names = [broker.add_charger().username for _ in range(2)]
    credentials = broker.settings.home / "credentials"
    (home / "credentials").symlink_to(credentials)
    simulator = Simulator(broker.login("dagster"), home)
    with hearing(broker, *names) as heard:
        accounts = [word for name in names for word in ("--account", name)]
        told = simulator.run(*replayed(*FAST, "--limit", "90", *accounts, "--clients", "3"))
        heard.wait_for(90)
    assert told["distinct_sessions"] == 90
    per_account = [
        sum(message.topic.endswith(name) for message in heard.messages) for name in names
    ]
    assert per_account == [45, 45]


def test_a_row_that_cannot_be_read_is_told_and_not_sent(
    simulator: Simulator, heard: Heard, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(DUNDEE + "4256788,51357\n")
    told = simulator.run(*replayed(*FAST, file=file, source="dundee"))
    heard.wait_for(2)
    assert (told["accepted"], told["skipped_rows"]) == (2, 1)
    assert json.loads(heard.messages[0].payload)["station_id"] == "51356"
