"""What chargers say they have sent is what the worker says it has received."""

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import Simulator, replayed
from ev_pipeline_tests.stream.accounts import await_received
from ev_pipeline_tests.stream.streams import count, running_stream, streaming_settings


def test_a_summary_can_be_held_against_the_ledger(
    broker: RunningBroker, engine: sa.Engine, settings: Settings
) -> None:
    simulator = Simulator(broker.add_charger(), settings.home)
    account = simulator.login.username
    with running_stream(engine, streaming_settings(settings, broker)):
        told = simulator.run(
            *replayed("--rate", "300", "--limit", "300", "--seed", "2"),
            *("--duplicate", "0.1", "--malformed", "0.1", "--late", "0.1", "--out-of-order", "0.1"),
            *("--ids", str(settings.home / "ids")),
        )
        became = await_received(engine, account, told["accepted"])
    by_kind = {kind: counts["accepted"] for kind, counts in told["by_kind"].items()}
    assert became == (
        told["accepted"],
        told["distinct_sessions"],
        0,
        by_kind["duplicate"],
        by_kind["malformed"],
    )
    assert told["rejected"] == {"malformed": by_kind["malformed"]}
    ids = (settings.home / "ids").read_text().split()
    assert len(ids) == 300
    listed = ", ".join(f"'{name}'" for name in ids)
    assert count(engine, "ev_session", f"source_session_id in ({listed})") == 300
