"""A full batch is decoded while another is stored; a small one waits until it is asked for."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.messages import Message
from ev_pipeline.sources.payloads.messages import DecodedRecords, decode_messages
from ev_pipeline.stream import reading
from ev_pipeline.stream.bindings import Bindings
from ev_pipeline.stream.inbox import MAX_MESSAGES, Inbox
from ev_pipeline.stream.reading import Read, Reader
from ev_pipeline_tests.stack.processes import wait_until
from ev_pipeline_tests.stream.test_bindings import bind

WITHIN_S = 30


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def reader(inbox: Inbox, tmp_path: Path) -> Iterator[Reader]:
    bind(tmp_path, None)
    with Reader(inbox, Bindings(tmp_path), "default") as reader:
        yield reader


def put(inbox: Inbox, numbers: range) -> None:
    for number in numbers:
        session = {"session_id": f"S-{number}", "station_id": "A", "energy_kwh": 7}
        inbox.put(
            Message(
                topics.sessions("charger"),
                json.dumps(session).encode(),
                time.time(),
                generation=1,
                packet_id=number + 1,
            )
        )


def ids(read: Read | None) -> list[str]:
    """The sessions as they were decoded, in their order."""
    assert read is not None
    assert read.groups is not None
    (group,) = read.groups
    return group.batch.frame["source_session_id"].to_list()


def named(numbers: range) -> list[str]:
    return [f"S-{number}" for number in numbers]


def test_the_next_full_batch_is_decoded_before_it_is_asked_for(
    inbox: Inbox, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def decode(messages: Sequence[Any], *, default_scope: str) -> list[DecodedRecords]:
        records = decode_messages(messages, default_scope=default_scope)
        decoded.append(len(messages))
        return records

    monkeypatch.setattr(reading, "decode_messages", decode)
    put(inbox, range(MAX_MESSAGES))
    first = reader.next()
    put(inbox, range(MAX_MESSAGES, 2 * MAX_MESSAGES + 3))
    wait_until(lambda: decoded == [MAX_MESSAGES, MAX_MESSAGES], within_s=WITHIN_S)
    assert ids(first) == named(range(MAX_MESSAGES))
    assert ids(reader.next()) == named(range(MAX_MESSAGES, 2 * MAX_MESSAGES))
    assert ids(reader.next()) == named(range(2 * MAX_MESSAGES, 2 * MAX_MESSAGES + 3))


def test_what_has_come_is_counted_before_more_is_read_ahead(inbox: Inbox, reader: Reader) -> None:
    put(inbox, range(2 * MAX_MESSAGES + 3))
    first = reader.next()
    assert first is not None
    assert first.n_waiting == MAX_MESSAGES + 3


def test_what_comes_while_a_full_batch_is_stored_is_one_batch(inbox: Inbox, reader: Reader) -> None:
    put(inbox, range(MAX_MESSAGES))
    reader.next()
    put(inbox, range(3))
    put(inbox, range(3, 5))
    assert ids(reader.next()) == named(range(5))


def test_what_was_read_ahead_is_still_handed_out_after_the_close(
    inbox: Inbox, reader: Reader
) -> None:
    put(inbox, range(2 * MAX_MESSAGES + 1))
    reader.next()
    inbox.close()
    assert ids(reader.next()) == named(range(MAX_MESSAGES, 2 * MAX_MESSAGES))
    assert ids(reader.next()) == named(range(2 * MAX_MESSAGES, 2 * MAX_MESSAGES + 1))
    assert reader.next() is None


def test_an_end_does_not_wait_for_more(inbox: Inbox, tmp_path: Path) -> None:
    bind(tmp_path, None)
    with Reader(inbox, Bindings(tmp_path), "default") as reader:
        put(inbox, range(MAX_MESSAGES))
        reader.next()


def test_an_account_whose_mapping_is_unusable_holds_up_no_other(
    inbox: Inbox, tmp_path: Path
) -> None:
    bind(tmp_path, "no_such_mapping")
    with Reader(inbox, Bindings(tmp_path), "default") as reader:
        put(inbox, range(2))
        read = reader.next()
    assert read is not None
    assert list(read.refused) == [0, 1]
    assert read.readable == []
