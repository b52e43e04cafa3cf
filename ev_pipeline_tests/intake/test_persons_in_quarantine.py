"""Whatever a refused record looks like, nothing of who is forgotten stays in quarantine."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.intake.forget import forget_user
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.mentions import any_of, possible_ids
from ev_pipeline.intake.retention import apply_retention
from ev_pipeline.sources.mapping import parse_mapping
from ev_pipeline_tests.intake.files import CANONICAL, a_session, rows
from ev_pipeline_tests.intake.loader import Loader
from ev_pipeline_tests.intake.searching import tables_with
from ev_pipeline_tests.intake.streaming import RECEIVED_AT, Delivery, deliver

WESTERN = parse_mapping(
    CANONICAL.text.replace("[file]", '[file]\nencoding = "windows-1252"'), where="western"
)
JOINED = parse_mapping(
    CANONICAL.text.replace('user_id = "user_id"', 'user_id = { columns = ["first", "last"] }'),
    where="joined",
)

TABLE = """\
session_id,station_id,connector_id,user_id,started_at,ended_at,energy_kwh,remark
S1,A,1,Zoë-0815,2024-05-06T08:00:00Z,2024-05-06T10:00:00Z,0,
S2,A,1,other,2024-05-06T08:00:00Z,2024-05-06T10:00:00Z,0,for Zoë-0815
"""


def refused(**changes: Any) -> dict[str, Any]:
    return a_session(**{"energy_kwh": 0, "user_id": "other", **changes})


def written(record: dict[str, Any], *, solidus: str = "/") -> bytes:
    return json.dumps([record]).replace("/", solidus).encode()


FILES = {
    "in another encoding": (WESTERN, "Zoë-0815", TABLE.encode("windows-1252")),
    "joined": (JOINED, "Zoe Doe", written(refused(user_id=None, first="Zoe", last="Doe"))),
    "a solidus": (CANONICAL, "DE/8AA/1", written(refused(remark="DE/8AA/1"), solidus=r"\/")),
    "a backslash": (CANONICAL, r"DOM\zoe-1", written(refused(remark=r"DOM\zoe-1"))),
    "a quote": (CANONICAL, 'zoe"0815', written(refused(remark='of zoe"0815'))),
    "a blank": (CANONICAL, "Zoe Doe", written(refused(remark="Zoe Doe's"))),
    "slipped": (CANONICAL, "zoe-0815", written(refused(connector_id="zoe-0815"))),
    "in its own id": (CANONICAL, "zoe-0815", written(refused(session_id="zoe-0815:7"))),
}


@pytest.mark.parametrize("name", FILES)
def test_an_id_is_found_however_a_file_writes_it(
    load: Loader, engine: sa.Engine, tmp_path: Path, name: str
) -> None:
    mapping, user_id, content = FILES[name]
    file = tmp_path / f"sessions{'.csv' if mapping is WESTERN else '.json'}"
    file.write_bytes(content)

    def load_it() -> list[Any]:
        load_file(engine, load.settings, mapping, file)
        return rows(engine, "select raw is null, reasons::text from ev_quarantine")

    before = load_it()
    assert not any(is_gone for is_gone, _ in before)
    forget_user(engine, load.settings, user_id, scope="default", by="clerk")
    assert tables_with(engine, user_id) == []
    assert all(rows(engine, "select raw is null from ev_quarantine"))
    after = load_it()
    assert len(after) == len(before)
    assert all(is_gone for is_gone, _ in after)
    assert tables_with(engine, user_id) == []


BROKEN = {
    "Zoë-0815.driver": rb'{"user_id":"Zo\u00eb-0815.driver',
    "auth0|5f7c9a": b'{"user_id":"auth0|5f7c9a", ',
    "Zoe van Doe": b'{"user_id":"Zoe van Doe"',
    "fleet:driver-17": b"{fleet:driver-17}",
}


@pytest.mark.parametrize("user_id", BROKEN)
def test_an_id_is_found_in_what_nobody_can_read(
    load: Loader, engine: sa.Engine, user_id: str
) -> None:
    def deliver_it() -> None:
        with engine.begin() as connection:
            deliver(connection, load.settings, [Delivery(BROKEN[user_id])])

    deliver_it()
    forget_user(engine, load.settings, user_id, scope="default", by="clerk")
    erased = "select raw, reasons -> 0 ->> 'value', times_seen from ev_quarantine"
    assert rows(engine, erased) == [(None, None, 1)]
    assert tables_with(engine, user_id) == []
    deliver_it()
    assert rows(engine, erased) == [(None, None, 2)]
    assert tables_with(engine, user_id) == []


def test_what_an_entry_without_bytes_still_says_of_somebody_goes_too(
    load: Loader, engine: sa.Engine
) -> None:
    load(refused(station_id="zoe-0815"), refused(session_id="S2"))
    with engine.begin() as connection:
        connection.execute(sa.text("update ev_quarantine set raw = null"))
    done = forget_user(engine, load.settings, "zoe-0815", scope="default", by="clerk")
    assert done.counts["quarantined"] == 1
    assert tables_with(engine, "zoe-0815") == []
    said = "select station_id, reasons -> 0 ->> 'field' from ev_quarantine order by 1"
    assert rows(engine, said) == [("A", "energy_kwh"), (None, "energy_kwh")]


@pytest.mark.parametrize("name", ["raw", "user_ids"])
def test_what_goes_with_an_entrys_bytes_is_quoted_by_no_reason(
    load: Loader, engine: sa.Engine, name: str
) -> None:
    load(refused(battery_capacity_kwh="zoe-0815", temperature_c="zoe-0815", energy_kwh=-1))
    with engine.begin() as connection:
        deliver(connection, load.settings, [Delivery(b'{"user_id": "zoe-0815", ')])
        connection.execute(sa.text("update ev_quarantine set last_seen_at = '2024-05-06'"))
    keeping = load.settings.model_copy(update={f"keep_{name}_days": 30})
    apply_retention(engine, keeping, RECEIVED_AT + timedelta(days=60), by="clerk")
    assert tables_with(engine, "zoe-0815") == []
    quoted = """
        select r ->> 'field', r ->> 'value', r ->> 'message' like '%:%'
        from ev_quarantine, jsonb_array_elements(reasons) r
        order by 1
    """
    assert rows(engine, quoted) == [
        ("battery_capacity_kwh", None, True),
        ("energy_kwh", "-1.0", True),
        ("temperature_c", None, True),
        (None, None, False),
    ]


def test_ids_of_other_words_are_none_of_a_records() -> None:
    assert possible_ids("a DE/8AA/1234, user-17") >= {"DE/8AA/1234", "user-17", "8AA/1234"}
    assert "1234, user-17" not in possible_ids("a DE/8AA/1234, user-17")
    assert not any_of(["user-1", "0815"]).search("user-17 0815 user-1.b")
    assert any_of(["user-1"]).search('{"user":"user-1"}')
