"""With EV_HASH_USER_IDS no table knows a user's id, and all that is known by users goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.domain.pseudonyms import is_pseudonym
from ev_pipeline.intake.forget import forget_user
from ev_pipeline.intake.hashing import follow_hashing
from ev_pipeline.intake.load import load_file
from ev_pipeline.intake.replay import replay
from ev_pipeline.settings import Settings
from ev_pipeline.storage.habits import USERS, make_all
from ev_pipeline.storage.promotion import label_for_champion, promote
from ev_pipeline.storage.quarantine_queries import Selection
from ev_pipeline_tests.intake.files import (
    CANONICAL,
    CORRECTING,
    a_session,
    assert_rollups_are_exact,
    dump,
    rows,
    unfinished,
    write_table,
)
from ev_pipeline_tests.intake.loader import Loader, counts
from ev_pipeline_tests.intake.searching import tables_with
from ev_pipeline_tests.intake.streaming import Delivery, deliver
from ev_pipeline_tests.storage.sample import sample_sessions, store
from ev_pipeline_tests.storage.trained import TRAINED_AT, register

WHO = "driver-0815"


def at(hour: int, **changes: Any) -> dict[str, Any]:
    """A session in an hour of its own."""
    return a_session(
        **{
            "user_id": WHO,
            "session_id": f"S{hour}",
            "started_at": f"2024-05-06T{hour:02}:00:00Z",
            "ended_at": f"2024-05-06T{hour:02}:40:00Z",
            **changes,
        }
    )


RECORDS = [
    at(1),
    at(2),
    at(3, energy_kwh=400),
    at(4, user_id="another", energy_kwh=0),
    at(5, user_id=None, energy_kwh=0),
    unfinished(session_id="S6", user_id=WHO),
    at(7, user_id="2024-05-06", energy_kwh=0),
]
"""The last one's id stands in its times too, and so cannot be cut out."""

BROKEN = Delivery(b'{"user_id": "driver-0815", ')


@pytest.fixture
def hashing(load: Loader) -> Loader:
    """Loads that hash, and take less than 300 kWh."""
    load.settings = load.settings.model_copy(
        update={"hash_user_ids": True, "max_energy_kwh": 300.0}
    )
    return load


def loaded(load: Loader) -> None:
    load(*RECORDS)
    load(at(2, energy_kwh=5), mapping=CORRECTING)
    with load.engine.begin() as connection:
        deliver(connection, load.settings, [Delivery(at(8)), Delivery(at(9, energy_kwh=0)), BROKEN])


def hashed_first(load: Loader) -> None:
    follow_hashing(load.engine, load.settings, by="clerk")
    loaded(load)


def hashed_later(load: Loader) -> None:
    hashing = load.settings
    load.settings = hashing.model_copy(update={"hash_user_ids": False})
    loaded(load)
    make_all(load.engine, USERS)
    assert len(tables_with(load.engine, WHO)) > 4
    assert follow_hashing(load.engine, hashing, by="clerk") == 1
    load.settings = hashing


either = pytest.mark.parametrize("fill", [hashed_first, hashed_later])


@either
def test_no_table_knows_an_id_and_each_user_is_one(
    hashing: Loader, engine: sa.Engine, fill: Callable[[Loader], None]
) -> None:
    fill(hashing)
    assert tables_with(engine, WHO) == []
    (user,) = rows(engine, "select distinct user_id from ev_session")
    assert is_pseudonym(user)
    make_all(engine, USERS)
    assert rows(engine, "select user_id, n_sessions from ev_user_features") == [(user, 3)]
    kept = "select source_session_id from ev_quarantine where raw is not null order by 1"
    assert rows(engine, kept) == ["S3", "S4", "S5", "S6", "S9"]
    assert_rollups_are_exact(engine, "UTC")


@either
def test_what_is_loaded_again_is_known(
    hashing: Loader, engine: sa.Engine, fill: Callable[[Loader], None]
) -> None:
    fill(hashing)
    before = dump(engine)
    assert counts(hashing(*RECORDS)) == {"received": 7, "duplicate": 2, "quarantined": 5}
    with engine.begin() as connection:
        deliver(connection, hashing.settings, [Delivery(at(8)), BROKEN])
    after = dump(engine)
    assert after["ev_session"] == before["ev_session"]
    assert len(after["ev_quarantine"]) == len(before["ev_quarantine"])


@either
def test_a_refused_record_is_taken_once_its_limit_is_mended(
    hashing: Loader, engine: sa.Engine, fill: Callable[[Loader], None]
) -> None:
    fill(hashing)
    mended = hashing.settings.model_copy(update={"max_energy_kwh": 1000.0})
    replay(engine, mended, Selection())
    stored = "select count(distinct user_id), count(*) from ev_session"
    assert rows(engine, stored) == [(1, 4)]
    states = "select source_session_id, state, times_seen from ev_quarantine order by 1"
    assert rows(engine, states) == [
        ("S3", "resolved", 1),
        ("S4", "open", 2),
        ("S5", "open", 2),
        ("S6", "open", 2),
        ("S7", "open", 1),
        ("S9", "open", 2),
        (None, "open", 1),
    ]
    assert tables_with(engine, WHO) == []


def test_rows_of_csv_are_cut_too(
    hashing: Loader, engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    follow_hashing(engine, hashing.settings, by="clerk")
    file = write_table(tmp_path / "s.csv", [at(1, energy_kwh=0), at(2, energy_kwh=400)])
    load_file(engine, hashing.settings, CANONICAL, file)
    assert tables_with(engine, WHO) == []
    raws = [bytes(raw).decode() for raw in rows(engine, "select raw from ev_quarantine")]
    assert all("hashed-" in raw for raw in raws)
    replay(engine, settings, Selection())
    assert [is_pseudonym(user) for user in rows(engine, "select user_id from ev_session")] == [True]


def test_hashing_goes_on_without_the_setting(
    hashing: Loader, engine: sa.Engine, settings: Settings
) -> None:
    hashed_first(hashing)
    hashing.settings = settings
    hashing(at(20))
    assert len(rows(engine, "select distinct user_id from ev_session")) == 1


def test_who_is_hashed_can_be_forgotten_by_id_or_hash(hashing: Loader, engine: sa.Engine) -> None:
    hashed_first(hashing)
    (user,) = rows(engine, "select distinct user_id from ev_session")
    tried = forget_user(
        engine, hashing.settings, user, scope="default", by="clerk", dry_run=True
    ).counts
    done = forget_user(engine, hashing.settings, WHO, scope="default", by="clerk").counts
    assert done == tried
    assert tables_with(engine, user) == ["ev_forgotten_user"]
    hashing(*RECORDS)
    assert tables_with(engine, user) == ["ev_forgotten_user"]
    assert tables_with(engine, WHO) == []


def test_loads_wait_for_stored_ids_to_be_hashed(hashing: Loader, settings: Settings) -> None:
    hashing.settings = hashing.settings.model_copy(update={"hash_user_ids": False})
    hashing(at(1))
    with (
        hashing.engine.begin() as connection,
        pytest.raises(PipelineError, match="ev-pipeline migrate"),
    ):
        deliver(connection, settings.model_copy(update={"hash_user_ids": True}), [Delivery(at(2))])


def test_labels_and_models_are_the_same_under_hashed_ids(
    engine: sa.Engine, settings: Settings
) -> None:
    with engine.begin() as connection:
        store(connection, sample_sessions())
    promote(engine, register(engine, 1), reason="first", promoted_at=TRAINED_AT)
    labels = """
        select session_id, session_revision, kmeans_cluster, anomaly_score, anomaly_reasons
        from ev_session_label order by 1
    """
    before = rows(engine, labels)
    follow_hashing(engine, settings.model_copy(update={"hash_user_ids": True}), by="clerk")
    assert rows(engine, labels) == before
    with engine.begin() as connection:
        connection.execute(sa.text("truncate ev_session_label"))
        connection.execute(sa.text("delete from ev_reader"))
    label_for_champion(engine, labelled_at=TRAINED_AT)
    assert rows(engine, labels) == before
