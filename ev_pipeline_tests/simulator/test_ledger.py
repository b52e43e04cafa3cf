"""What chargers say they have sent is what the worker says it has received."""

import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline_tests.running_broker import RunningBroker
from ev_pipeline_tests.simulator.simulators import WITHIN_S, Simulator, replayed
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.streams import count, running_stream, streaming_settings


def ledger(engine: sa.Engine, account: str) -> tuple[int, ...]:
    """What became of what the account sent: received, stored, updated, duplicate, quarantined."""
    sums = ", ".join(
        f"coalesce(sum({name}), 0)"
        for name in ("received", "stored", "updated", "duplicate", "quarantined")
    )
    statement = f"select {sums} from ev_ledger where source = '{account}'"
    with engine.connect() as connection:
        return tuple(connection.execute(sa.text(statement)).one())


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
        wait_until(lambda: ledger(engine, account)[0] >= told["accepted"], within_s=WITHIN_S)
    by_kind = {kind: counts["accepted"] for kind, counts in told["by_kind"].items()}
    assert ledger(engine, account) == (
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
