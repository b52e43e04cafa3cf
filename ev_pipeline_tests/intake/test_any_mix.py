"""Whatever is loaded, corrected and taken back: the tables are what plain rules say."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from ev_pipeline.domain.identity import session_ids
from ev_pipeline.domain.session import SESSION_FIELDS, frame_schema
from ev_pipeline.intake.forget import forget_user
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.undo import undo_load
from ev_pipeline.settings import Settings
from ev_pipeline.storage.tables.schema import SCHEMA
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    STATIONS,
    assert_ledger_adds_up,
    assert_rollups_are_exact,
    rows,
    write_sessions,
    write_table,
)
from ev_pipeline_tests.intake.model import Model, Record, a_record

KEYS = ["S1", "S2", "S3"]


def _our_ids() -> pl.Series:
    frame = pl.DataFrame({"source_session_id": KEYS}).with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in frame_schema(SESSION_FIELDS).items()
        if name != "source_session_id"
    )
    return session_ids(frame, scope="default", key_has_end=False)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Few ids, places and hours, so that they meet."""
    hour = draw(st.integers(0, 2))
    record = a_record(
        draw(st.sampled_from(KEYS)),
        hour,
        draw(st.integers(1, 3)),
        station_id=draw(st.sampled_from(["A", "A", "B"])),
        user_id=draw(st.sampled_from(["U", "U", "V", None])),
        connector_id=draw(st.sampled_from(["1", "1", None])),
        energy_kwh=draw(st.sampled_from([1.1, 7.3, 7.3, 0])),
        cost=draw(st.sampled_from([None, 0.1, 0.2])),
        currency=draw(st.sampled_from([None, "EUR"])),
        updated_at=draw(st.sampled_from([None, "2024-05-07T00:00:00Z", "2024-05-08T00:00:00Z"])),
    )
    if draw(st.integers(0, 5)) == 0:
        record |= {"ended_at": None, "energy_kwh": None, "cost": None}
    return record


files = st.lists(records(), min_size=1, max_size=4)
loads = st.tuples(st.just("load"), files, st.sampled_from([True, True, False]))
reloads = st.tuples(st.just("reload"), st.integers(0, 9), st.booleans())
undos = st.tuples(st.just("undo"), st.integers(0, 9))
holds = st.tuples(st.just("hold"))
forgets = st.tuples(st.just("forget"), st.sampled_from("UV"))
ratings = st.tuples(st.just("rate"), st.sampled_from("AB"), st.sampled_from([1, 3, 9]))
steps = st.tuples(
    st.lists(st.one_of(loads, loads, reloads, holds, ratings), min_size=3, max_size=5),
    st.lists(st.one_of(undos, undos, loads, reloads, ratings, forgets), min_size=2, max_size=4),
).map(lambda parts: parts[0] + parts[1])


class Play:
    """The same steps on the tables and on the model."""

    def __init__(self, engine: sa.Engine, settings: Settings, folder: Path) -> None:
        self.engine = engine
        self.settings = settings
        self.path = folder / "sessions.json"
        self.model = Model(dict(zip(KEYS, _our_ids(), strict=True)))
        self.files: list[list[Record]] = []
        self.standing: list[int] = []
        self.power_kw: dict[str, float] = {}
        self.reader: sa.Connection | None = None

    def load(self, file: list[Record], *, has_corrections: bool) -> None:
        mapping = CORRECTING if has_corrections else CANONICAL
        write_sessions(self.path, file)
        result = load_file(self.engine, self.settings, mapping, self.path)
        assert result.load_id is not None
        self.model.load(result.load_id, file, has_corrections=has_corrections)
        assert result.tally.counts.as_columns() == {
            "received": len(file),
            **{
                name: self.model.ledger[result.load_id][name]
                for name in ("stored", "updated", "duplicate", "quarantined")
            },
        }
        self.standing.append(result.load_id)

    def step(self, name: str, *choice: Any) -> None:
        match name, choice:
            case "load", (file, has_corrections):
                self.files.append(file)
                self.load(file, has_corrections=has_corrections)
            case "reload", (which, has_corrections) if self.files:
                file = self.files[which % len(self.files)]
                self.load(file, has_corrections=has_corrections)
            case "undo", (which,) if self.standing:
                load_id = self.standing.pop(which % len(self.standing))
                undo_load(self.engine, self.settings, load_id)
                self.model.undo(load_id)
            case "forget", (user_id,):
                forget_user(self.engine, self.settings, user_id, scope="default", by="test")
                self.model.forget(user_id)
            case "rate", (station_id, power_kw):
                self.rate(station_id, power_kw)
            case "hold", ():
                self.release()
                self.reader = self.engine.connect()
                self.reader.execute(sa.text("select pg_current_xact_id()"))

    def rate(self, station_id: str, power_kw: float) -> None:
        """A registry tells another power."""
        station = {"station_id": station_id, "name": "", "power_kw": power_kw}
        path = write_table(self.path.with_name("stations.csv"), [station])
        load_file(self.engine, self.settings, STATIONS, path)
        self.power_kw[station_id] = power_kw

    def is_over_rating(self, record: Record) -> bool:
        hours = int(record["ended_at"][11:13]) - int(record["started_at"][11:13])
        limit_kw = 1.1 * self.power_kw.get(record["station_id"], float("inf"))
        return bool(record["energy_kwh"] / hours > limit_kw)

    def release(self) -> None:
        """End the transaction that keeps later changes from being folded."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def check(self) -> None:
        stored = rows(
            self.engine,
            """
            select source_session_id, user_id, station_id, connector_id, energy_kwh, cost, currency,
                to_char(started_at, 'HH24'), to_char(ended_at, 'HH24'), load_id,
                'overlaps_same_connector' = any(quality_codes),
                'power_over_rating' = any(quality_codes)
            from ev_session order by 1
            """,
        )
        assert stored == [
            (
                key,
                *(top[1][name] for name in ("user_id", "station_id", "connector_id")),
                top[1]["energy_kwh"],
                *(top[1][name] for name in ("cost", "currency")),
                top[1]["started_at"][11:13],
                top[1]["ended_at"][11:13],
                top[0],
                top[2],
                self.is_over_rating(top[1]),
            )
            for key, stack in sorted(self.model.stacks.items())
            for top in stack[-1:]
        ]
        entries = rows(
            self.engine, "select raw, times_seen, state, settled_by_load from ev_quarantine"
        )
        found = Counter(
            (raw and repr(json.loads(bytes(raw))), times, state, load_id)
            for raw, times, state, load_id in entries
        )
        assert found == Counter(
            (
                raw if entry.is_kept else None,
                entry.seen.total(),
                "open" if entry.superseded_by is None else "superseded",
                entry.superseded_by,
            )
            for raw, entry in self.model.quarantine.items()
        )
        named = "select user_id from ev_session_change union select user_id from ev_rollup_user"
        assert self.model.forgotten.isdisjoint(rows(self.engine, named))
        assert_ledger_adds_up(self.engine)
        assert_rollups_are_exact(self.engine, self.settings.timezone)


def play(
    engine: sa.Engine, settings: Settings, folder: Path, chosen: list[tuple[Any, ...]]
) -> None:
    tables = ", ".join(table.name for table in SCHEMA.sorted_tables)
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {tables}"))
    game = Play(engine, settings, folder)
    try:
        for step in chosen:
            game.step(*step)
            game.check()
    finally:
        game.release()


ANY_MIX = hypothesis.settings(
    deadline=None,
    suppress_health_check=[
        hypothesis.HealthCheck.function_scoped_fixture,
        hypothesis.HealthCheck.too_slow,
    ],
)


CHAIN = [("load", [a_record("S1", 0, 1, energy_kwh=energy_kwh)], True) for energy_kwh in (1, 2, 3)]
"""Three revisions of one session, of three loads."""


@hypothesis.settings(ANY_MIX, max_examples=12)
@hypothesis.given(chosen=steps)
@hypothesis.example(chosen=[*CHAIN, ("undo", 1), ("undo", 1)])
@hypothesis.example(chosen=[*CHAIN, ("undo", 0), ("undo", 1), ("reload", 0, False)])
def test_any_mix_of_loads_and_undos_leaves_what_plain_rules_say(
    engine: sa.Engine, settings: Settings, tmp_path: Path, chosen: list[tuple[Any, ...]]
) -> None:
    play(engine, settings, tmp_path, chosen)


@pytest.mark.long
@pytest.mark.timeout(3600)
@hypothesis.settings(ANY_MIX, max_examples=400)
@hypothesis.given(chosen=steps)
def test_any_mix_of_loads_and_undos_leaves_what_plain_rules_say_for_long(
    engine: sa.Engine, settings: Settings, tmp_path: Path, chosen: list[tuple[Any, ...]]
) -> None:
    play(engine, settings, tmp_path, chosen)
