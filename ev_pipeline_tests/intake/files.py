"""Session files that the tests write, and what the tables hold afterwards."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ev_pipeline.sources import mapping as mappings
from ev_pipeline.storage.rollup_shapes import NETWORK, ROLLUPS, STATION
from ev_pipeline.storage.rollups import with_tail

CANONICAL = mappings.load_mapping("canonical")
CORRECTING = CANONICAL.model_copy(update={"has_corrections": True})
STATIONS = mappings.load_mapping("canonical_stations")
SITES = mappings.parse_mapping(
    """
    name = "sites"
    title = "Sites"
    records = "site"
    [fields]
    name = "name"
    latitude = "latitude"
    longitude = "longitude"
    """,
    where="sites",
)

PASSING = {
    "ev_session": ("load_id", "received_at"),
    "ev_session_history": ("load_id", "replaced_by_load", "session"),
    "ev_session_change": ("xid", "seq"),
    "ev_quarantine": ("quarantine_id", "first_seen_at", "last_seen_at", "settled_by_load"),
    "ev_quarantine_sighting": ("load_id", "quarantine_id"),
    "ev_station": ("load_id", "updated_at"),
    "ev_station_zone": ("load_id", "seq"),
    "ev_load": ("load_id", "started_at", "finished_at", "day", "duplicates_of"),
    "ev_ledger": ("day",),
    **{rollup.table: () for rollup in ROLLUPS},
}
"""Tables that a load fills, and their columns that tell when or as which load."""


def write_sessions(path: Path, sessions: Iterable[Mapping[str, Any]]) -> Path:
    """A JSON file in canonical form."""
    path.write_text(json.dumps(list(sessions)), encoding="utf-8")
    return path


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV file with the rows' keys as its header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def a_session(**changes: Any) -> dict[str, Any]:
    """A session without a fault."""
    return {
        "session_id": "S1",
        "station_id": "A",
        "connector_id": "1",
        "user_id": "U",
        "started_at": "2024-05-06T08:00:00Z",
        "ended_at": "2024-05-06T10:00:00Z",
        "energy_kwh": 12.5,
        **changes,
    }


def unfinished(**changes: Any) -> dict[str, Any]:
    """The same session before its end."""
    return {**a_session(), "ended_at": None, "energy_kwh": None, **changes}


def rows(engine: sa.Engine, query: str, **names: Any) -> list[Any]:
    """A query's rows; values where it has one column."""
    with engine.connect() as connection:
        found = connection.execute(sa.text(query), names).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


def dump(engine: sa.Engine) -> dict[str, list[str]]:
    """What the tables hold, sorted, without numbers of loads and times of receipt."""
    held = {}
    for table, hidden in PASSING.items():
        names = ",".join(hidden)
        query = f"select (to_jsonb(t) - cast(:names as text[]))::text from {table} t"
        held[table] = sorted(rows(engine, query, names=f"{{{names}}}"))
    return held


def lasting(engine: sa.Engine) -> dict[str, list[str]]:
    """All but the records of what happened: what a load that was taken back leaves as it was."""
    records = ("ev_load", "ev_session_change")
    return {table: held for table, held in dump(engine).items() if table not in records}


def assert_rollups_are_exact(engine: sa.Engine, timezone: str) -> None:
    """Rollup and tail, read as panels read them, equal sums over the stored sessions."""
    sums = """
        count(*), sum(energy_kwh::numeric),
        sum(extract(epoch from ended_at) - extract(epoch from started_at)),
        count(charging_duration_h), coalesce(sum(charging_duration_h::numeric * 3600), 0),
        coalesce(sum(cost::numeric), 0),
        count(charging_duration_h) filter (where not 'end_derived' = any(quality_codes)),
        coalesce(sum(case when charging_duration_h is null then 0
            when 'end_derived' = any(quality_codes) then 0
            when extract(epoch from ended_at - started_at) < charging_duration_h * 3600 then 0
            else extract(epoch from ended_at - started_at) - charging_duration_h::numeric * 3600
            end), 0)
    """
    currency = "case when cost is null then '' when currency is null then 'XXX' else currency end"
    network = rows(engine, f"select * from ({with_tail(NETWORK)}) n order by 1, 2")
    assert network == rows(
        engine,
        f"""
        select to_timestamp(floor(extract(epoch from started_at) / 900) * 900), {currency}, {sums}
        from ev_session group by 1, 2 order by 1, 2
        """,
    )
    stations = rows(
        engine, f"select * from ({with_tail(STATION)}) n order by 1, 2, 3, 4", timezone=timezone
    )
    assert stations == rows(
        engine,
        f"""
        select scope, station_id, date(timezone(:timezone, started_at)), {currency}, {sums}
        from ev_session group by 1, 2, 3, 4 order by 1, 2, 3, 4
        """,
        timezone=timezone,
    )


def assert_ledger_adds_up(engine: sa.Engine) -> None:
    """The ledger is the sum of the loads that stand."""
    names = ("received", "stored", "updated", "duplicate", "quarantined")
    sums = ", ".join(f"sum({name})::bigint" for name in names)
    ledger = f"select day, door, source, {', '.join(names)} from ev_ledger order by 1, 2, 3"
    assert rows(engine, ledger) == rows(
        engine,
        f"""
        select day, door, source, {sums} from ev_load
        where undone_at is null and received > 0 group by 1, 2, 3 order by 1, 2, 3
        """,
    )
