"""Messages a second from bytes to decoded records, and how long a message by itself takes.

Run with `python -m benchmarks.payloads`. What lives here: decoding alone, of every shape, beside a
parser that only parses. What does not: validation, storage, broker.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any, Final

from ev_pipeline.sources.payloads.messages import Message, decode_messages
from ev_pipeline_tests.sources.made_files import PATTERNS_ROW
from ev_pipeline_tests.sources.messages import CDR, SESSION

WHOLE: Final[dict[str, Any]] = SESSION | {
    "max_power_kw": 11.0,
    "updated_at": "2026-05-04T10:02:05+01:00",
    "stop_reason": "EVDisconnected",
    "payment_method": "rfid",
    "vehicle_model": "Compact",
    "vehicle_age_years": 2,
    "distance_driven_km": 120,
    "soc_start_percent": 30,
    "soc_end_percent": 72,
    "temperature_c": 14.5,
}
"""A canonical session with every field."""

BATCH: Final = 500
LIST: Final = 100_000
GOAL_US: Final = {1: 3_000, BATCH: 40}
"""µs a message at most, by the messages in a batch."""


def main() -> None:
    """Print one table."""
    received_at = datetime.now(UTC)
    print(f"  {'median µs a message':<44} {'elapsed':>9} {'CPU':>9}")
    for name, content in (
        ("canonical, every field", WHOLE),
        ("CSV row", PATTERNS_ROW),
        ("OCPI CDR", CDR),
    ):
        for size in GOAL_US:
            payloads = [
                json.dumps({**content, "session_id": f"s{n}"}).encode() for n in range(size)
            ]
            batch = [Message(payload, "charger-1", received_at) for payload in payloads]
            _print_time(f"{name}, batch of {size}", size, partial(_decode, batch))
    payloads = [json.dumps(WHOLE).encode()] * BATCH
    _print_time("json.loads alone, canonical", BATCH, lambda: [json.loads(p) for p in payloads])
    several = [WHOLE, [WHOLE, "x"], {"timestamp": 1, "data": WHOLE}, CDR, PATTERNS_ROW]
    mixed = [
        Message(json.dumps(several[n % len(several)]).encode(), "charger-1", received_at)
        for n in range(BATCH)
    ]
    _print_time(f"all shapes mixed, batch of {BATCH}", BATCH, partial(_decode, mixed))
    hostile = [Message(b"[" + b",".join([b'{"a":{}}'] * LIST) + b"]", "charger-1", received_at)]
    _print_time(f"element of a list of {LIST} strangers", LIST, partial(_decode, hostile), repeat=3)
    print(f"  goals: {GOAL_US[1]} µs for a batch of one, {GOAL_US[BATCH]} µs in batches of {BATCH}")


def _decode(batch: list[Message]) -> None:
    decode_messages(batch, default_scope="default")


def _print_time(what: str, size: int, work: Callable[[], object], *, repeat: int = 100) -> None:
    elapsed, used = [], []
    for _ in range(repeat):
        began, cpu = time.perf_counter(), time.process_time()
        work()
        elapsed.append((time.perf_counter() - began) * 1e6 / size)
        used.append((time.process_time() - cpu) * 1e6 / size)
    print(f"  {what:<44} {median(elapsed):>9.1f} {median(used):>9.1f}", flush=True)


if __name__ == "__main__":
    main()
