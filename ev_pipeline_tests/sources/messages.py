"""Decoding single payloads in tests: from bytes to rows."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from ev_pipeline.domain.identity import session_ids
from ev_pipeline.sources.payloads.messages import (
    MESSAGE_COLUMNS,
    UNBOUND,
    Binding,
    DecodedRecords,
    Message,
    decode_messages,
)
from ev_pipeline_tests.sources.reading import RECEIVED_AT

SCOPE = "our-operator"

SESSION: dict[str, Any] = {
    "session_id": "c1b7",
    "station_id": "CP-0102",
    "connector_id": "1",
    "user_id": "U-17",
    "started_at": "2026-05-04T08:12:00+01:00",
    "ended_at": "2026-05-04T10:02:00+01:00",
    "charging_duration_h": 1.47,
    "energy_kwh": 12.4,
    "cost": 4.20,
    "currency": "EUR",
    "battery_capacity_kwh": 58,
    "error_code": None,
}

CDR: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "EXA",
    "id": "CDR-9",
    "start_date_time": "2026-05-04T07:12:00Z",
    "end_date_time": "2026-05-04T09:02:00",
    "session_id": "c1b7",
    "cdr_token": {"uid": "U-17", "type": "RFID", "contract_id": "NL-EXA-17"},
    "auth_method": "WHITELIST",
    "cdr_location": {
        "id": "CP-0102",
        "name": "Market Square",
        "address": "Market Square 1",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"},
        "evse_uid": "1",
        "connector_id": "2",
    },
    "currency": "EUR",
    "charging_periods": [
        {
            "start_date_time": "2026-05-04T07:12:00Z",
            "dimensions": [
                {"type": "ENERGY", "volume": 10.0},
                {"type": "TIME", "volume": 1.1},
                {"type": "MAX_POWER", "volume": 11},
            ],
        },
        {
            "start_date_time": "2026-05-04T08:18:00Z",
            "dimensions": [
                {"type": "TIME", "volume": 0.37},
                {"type": "PARKING_TIME", "volume": 0.363333},
                {"type": "MAX_POWER", "volume": 7.4},
            ],
        },
    ],
    "total_cost": {"excl_vat": 3.5, "incl_vat": 4.2},
    "total_energy": 12.4,
    "total_time": 1.833333,
    "total_parking_time": 0.363333,
    "last_updated": "2026-05-04T09:02:05Z",
}


def message(content: Any, *, binding: Binding = UNBOUND, **more: Any) -> Message:
    """A message with that content, as JSON unless it is bytes."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Message(payload, "charger-1", RECEIVED_AT, binding, **more)


def groups(*contents: Any, binding: Binding = UNBOUND) -> list[DecodedRecords]:
    """What messages with these contents come to, as one batch."""
    messages = [message(content, binding=binding) for content in contents]
    return decode_messages(messages, default_scope=SCOPE)


def rows(decoded: Sequence[DecodedRecords]) -> list[dict[str, Any]]:
    """All records in the order of their messages, with mapping, scope and raw bytes."""
    found = [
        {**row, "mapping": group.mapping.name, "scope": group.scope, "raw": group.batch.raw(number)}
        for group in decoded
        for number, row in enumerate(group.batch.frame.iter_rows(named=True))
    ]
    return sorted(found, key=lambda row: (row["message"], row["line"]))


def decoded_rows(*contents: Any, binding: Binding = UNBOUND) -> list[dict[str, Any]]:
    """All records of messages with these contents."""
    return rows(groups(*contents, binding=binding))


def canonical(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame without what it keeps of its message, or of its file's lines."""
    return frame.drop("line", *MESSAGE_COLUMNS, strict=False)


def ids(group: DecodedRecords) -> list[str | None]:
    """The session ids of a group's records."""
    key_has_end = group.mapping.key_has_end
    return session_ids(group.batch.frame, scope=group.scope, key_has_end=key_has_end).to_list()
