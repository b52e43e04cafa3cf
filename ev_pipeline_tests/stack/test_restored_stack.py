"""A stack that was backed up while it ran goes on in another place, with other ports."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login
from ev_pipeline.settings import Settings
from ev_pipeline.stack.broker import broker_reach
from ev_pipeline.stack.broker_credentials import stack_login
from ev_pipeline.stack.credentials import OWNER, stored_url
from ev_pipeline.stack.layout import Layout
from ev_pipeline.storage.engine import connect
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.stack.local_stack import UP_WITHIN_S, LocalStack, local_stack
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.storage.filled import fill
from ev_pipeline_tests.storage.sample import SESSIONS
from ev_pipeline_tests.stream.streams import a_session

LABELLED = """
    select count(*) from ev_session s
    join ev_session_label l on l.session_id = s.session_id and l.session_revision = s.revision
    join ev_model m on m.version = l.model_version and m.is_champion
    where s.source_session_id = %(name)s
"""


@pytest.fixture
def stacks() -> Iterator[tuple[LocalStack, LocalStack]]:
    """A stack, and the place where it goes on."""
    with ExitStack() as opened:
        yield opened.enter_context(local_stack()), opened.enter_context(local_stack())


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_restored_stack_goes_on_where_the_backup_was_taken(
    stacks: tuple[LocalStack, LocalStack], tmp_path: Path
) -> None:
    first, second = stacks
    first.start()
    settings = Settings(home=first.home, mqtt_port=first.mqtt_port, timezone="Europe/Lisbon")
    charger = stack_login(Layout(first.home), "charger-1", broker_reach(settings))
    url = stored_url(Layout(first.home), OWNER)
    assert url
    engine = connect(
        settings.model_copy(update={"database_url": url.render_as_string(hide_password=False)})
    )
    fill(engine, settings, tmp_path, SESSIONS)
    engine.dispose()
    _report(charger, "before")
    wait_until(lambda: _is_labelled(first, "before"), within_s=UP_WITHIN_S)
    backup = tmp_path / "backup"
    assert first.run("backup", str(backup)).returncode == 0
    was = _shown(first)
    _report(charger, "too-late")
    wait_until(lambda: _is_labelled(first, "too-late"), within_s=UP_WITHIN_S)
    assert first.run("down").returncode == 0

    restored = second.run("restore", str(backup), "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["missing_mappings"] == {}
    second.start()
    assert _shown(second) == was
    moved = replace(charger, port=second.mqtt_port)
    assert moved.ca_file == Layout(first.home).authority
    _report(moved, "after")
    wait_until(lambda: _is_labelled(second, "after"), within_s=UP_WITHIN_S)
    assert not _is_labelled(second, "too-late")
    now = _shown(second)
    assert now["ledger"]["stored"] == was["ledger"]["stored"] + 1
    assert now["champion"] == was["champion"]


def _report(charger: Login, name: str) -> None:
    payload = json.dumps(a_session(name, connector_id=name)).encode()
    with listening(charger) as sender:
        sent = sender.client.publish(topics.sessions(charger.username), payload)
        assert sent.result(WITHIN_S).is_accepted


def _shown(stack: LocalStack) -> dict[str, Any]:
    status = stack.status()
    return {name: status[name] for name in ("ledger", "champion")}


def _is_labelled(stack: LocalStack, name: str) -> bool:
    url = stored_url(Layout(stack.home), OWNER)
    assert url
    engine = connect(Settings(database_url=url.render_as_string(hide_password=False)))
    with engine.connect() as connection:
        found = connection.exec_driver_sql(LABELLED, {"name": name}).scalar_one()
    engine.dispose()
    return bool(found)
