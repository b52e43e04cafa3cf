import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ev_pipeline.domain.identity import NAMESPACE, delivery_ids, session_ids
from ev_pipeline_tests.domain.canonical import FAULTLESS, UNHURRIED, sessions

START: datetime = FAULTLESS["started_at"]
KEYED: dict[str, Any] = {"source_session_id": None}


def ids(*changes: dict[str, Any], scope: str = "dundee", key_has_end: bool = False) -> list[str]:
    return session_ids(sessions(*changes), scope=scope, key_has_end=key_has_end).to_list()


def test_an_id_is_the_version_5_uuid_of_kind_scope_and_the_sources_own_id() -> None:
    [found] = ids({"source_session_id": "4256786"})
    assert uuid.UUID(found) == uuid.uuid5(NAMESPACE, "9:source-id6:dundee7:4256786")


def test_without_an_own_id_an_id_is_of_station_connector_and_start_in_utc() -> None:
    [found] = ids(KEYED)
    start_us = str((START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    parts = ["station-connector-start", "dundee", "CP-1", "1", start_us]
    name = "".join(f"{len(part)}:{part}" for part in parts)
    assert uuid.UUID(found) == uuid.uuid5(NAMESPACE, name)


def test_a_delivery_is_known_by_operator_account_and_name() -> None:
    frame = pl.DataFrame({"source": ["charger-1"], "delivery": ["m1"]})
    [found] = delivery_ids(frame, scope="dundee")
    assert uuid.UUID(found) == uuid.uuid5(NAMESPACE, "8:delivery6:dundee9:charger-12:m1")


def test_ids_never_change() -> None:
    """Stored ids follow from these: a failure here means that every stored session is orphaned."""
    assert ids({}, KEYED) == [
        "8aafcda3-eec9-592a-81fe-04d5e96de089",
        "490d332c-b91e-557d-b928-e5108abf131d",
    ]
    assert ids(KEYED, key_has_end=True) == ["bdf12938-da1b-553c-8fe9-c3ead225bbb9"]


def test_the_same_session_has_the_same_id_whatever_else_its_record_says() -> None:
    corrected = {"energy_kwh": 3.0, "ended_at": START + timedelta(hours=9), "user_id": "U"}
    assert len(set(ids({}, corrected))) == 1
    assert len(set(ids(KEYED, KEYED | corrected))) == 1


def test_an_own_id_wins_over_station_and_start() -> None:
    elsewhere = {"station_id": "CP-9", "started_at": START + timedelta(days=1)}
    assert len(set(ids({}, elsewhere))) == 1


def test_an_own_id_of_blanks_is_none() -> None:
    assert ids({"source_session_id": " "}) == ids(KEYED)


def test_another_operators_session_is_another_session() -> None:
    assert ids({}, KEYED, scope="dundee") != ids({}, KEYED, scope="perth")


def test_the_end_tells_sessions_apart_only_where_the_mapping_says_so() -> None:
    longer = KEYED | {"ended_at": START + timedelta(hours=5)}
    assert len(set(ids(KEYED, longer))) == 1
    assert len(set(ids(KEYED, longer, key_has_end=True))) == 2


def test_an_unknown_connector_is_not_a_connector_with_an_empty_or_dashed_name() -> None:
    connectors = [KEYED | {"connector_id": name} for name in (None, "-", "0:", "1")]
    assert len(set(ids(*connectors))) == 4


def test_without_station_or_start_or_a_needed_end_there_is_no_id() -> None:
    unfinished = KEYED | {"ended_at": None}
    assert ids(KEYED | {"station_id": None}, KEYED | {"started_at": None}) == [None, None]
    assert ids(unfinished) == ids(KEYED)
    assert ids(unfinished, key_has_end=True) == [None]


def test_an_empty_frame_has_no_ids() -> None:
    assert session_ids(sessions({}).clear(), scope="x", key_has_end=True).to_list() == []


@UNHURRIED
@given(
    moment=st.datetimes(datetime(2010, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - zones follow
    offset_h=st.integers(-12, 14),
    unit=st.sampled_from(["us", "ms"]),
)
def test_an_id_does_not_depend_on_the_offset_or_precision_in_which_a_time_was_written(
    moment: datetime, offset_h: int, unit: Any
) -> None:
    start = moment.replace(microsecond=0, tzinfo=UTC)
    written = start.astimezone(timezone(timedelta(hours=offset_h)))
    frame = sessions(KEYED | {"started_at": written})
    frame = frame.with_columns(pl.col("started_at").cast(pl.Datetime(unit, "UTC")))
    found = session_ids(frame, scope="dundee", key_has_end=False).to_list()
    assert found == ids(KEYED | {"started_at": start})


TEXTS = st.text(alphabet="1:-ab é\x00", min_size=1, max_size=6)
KEYS = st.fixed_dictionaries(
    {
        "source_session_id": st.none() | TEXTS,
        "station_id": TEXTS,
        "connector_id": st.none() | TEXTS,
        "started_at": st.sampled_from([START, START + timedelta(microseconds=1)]),
        "ended_at": st.sampled_from([START + timedelta(hours=1), START + timedelta(hours=2)]),
    }
)


def _meaning(key: dict[str, Any], *, has_end: bool) -> tuple[Any, ...] | None:
    """What a key says, worked out without writing it down."""

    def known(field: str) -> str | None:
        return key[field] if key[field] and key[field].strip() else None

    if known("source_session_id"):
        return ("own", key["source_session_id"])
    if not known("station_id"):
        return None
    end = key["ended_at"] if has_end else None
    return ("natural", key["station_id"], known("connector_id"), key["started_at"], end)


@UNHURRIED
@given(keys=st.lists(KEYS, min_size=2, max_size=8), has_end=st.booleans())
def test_two_records_have_one_id_exactly_if_their_keys_say_the_same(
    *, keys: list[dict[str, Any]], has_end: bool
) -> None:
    found = ids(*keys, key_has_end=has_end)
    meanings = [_meaning(key, has_end=has_end) for key in keys]
    for one, one_means in zip(found, meanings, strict=True):
        assert (one is None) == (one_means is None)
        for other, other_means in zip(found, meanings, strict=True):
            assert (one == other) == (one_means == other_means)


@UNHURRIED
@given(key=KEYS, scopes=st.tuples(TEXTS, TEXTS))
def test_no_key_of_one_kind_or_scope_is_a_key_of_another(
    key: dict[str, Any], scopes: tuple[str, str]
) -> None:
    own = key | {"source_session_id": key["station_id"] + "x"}
    natural = key | {"source_session_id": None, "station_id": key["station_id"] + "x"}
    found = [
        *ids(own, natural, scope=scopes[0]),
        *ids(natural, scope=scopes[0], key_has_end=True),
        *ids(own, natural, scope=scopes[1] + "2"),
        *ids(own, natural, scope=scopes[0] + "3"),
    ]
    distinct = 5 + (0 if scopes[1] + "2" == scopes[0] + "3" else 2)
    assert len(set(found)) == distinct


@UNHURRIED
@given(keys=st.lists(KEYS, min_size=1, max_size=6), data=st.data())
def test_permuting_records_permutes_ids(keys: list[dict[str, Any]], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(keys))))
    found = ids(*keys)
    assert ids(*(keys[i] for i in order)) == [found[i] for i in order]
