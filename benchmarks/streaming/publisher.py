"""A charger without an MQTT library: packets made beforehand but for what differs, over TLS.

What lives here: publishing on a schedule, or as fast as it is let, in a process of its own. What
does not: any measure. A client library would take more of the machine than the worker does.

References:
    MQTT Version 5.0, OASIS Standard: 3.1 (CONNECT), 3.3 (PUBLISH), 3.4 (PUBACK).
"""

import select
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final

from ev_pipeline.messaging import topics
from ev_pipeline.messaging.login import Login

STATIONS: Final = 2_000
"""Of each account; all of its publishers' sessions are at one of them."""

_CONNECTORS: Final = 2 * STATIONS
"""In use at a time."""

_SLOTS: Final = 5
"""Sessions of a connector, one after the other, so that none overlap; then others are in use."""

_BEGAN_BEFORE: Final = timedelta(minutes=58)
_SLOT: Final = timedelta(minutes=11)
_STAY: Final = timedelta(minutes=10)
"""Sessions ended in the last hour, as where chargers report them as they end: of one that comes
later it is asked whether its charger's clock is right, which takes a tenth longer."""

_ODD_EVERY: Final = 50
_ODD_KWH: Final = 50.0
"""One session in 50 has more energy than is usual in its time: as many are anomalies in real sets,
and reasons for an anomaly cost more than a label."""

_WINDOW: Final = 500
"""Messages that are not acknowledged."""

_AT_ONCE: Final = 50
"""Messages in one write."""

_IDLE_S: Final = 0.0005
_TIMEOUT_S: Final = 30.0
_PACKET_IDS: Final = 60_000
_PUBACK: Final = 0x40

CONTEXT: Final = get_context("spawn")
"""How its processes are made: nothing of the parent's threads and connections comes along."""


@dataclass(frozen=True)
class Task:
    """What one publisher does.

    Args:
        login: the account.
        name: begins its sessions' ids, `name-0` being the first.
        rate_per_s: how many a second, each at its moment; null for as many as it is let.
        most: how many at most.
    """

    login: Login
    name: str
    rate_per_s: float | None
    most: int

    def due_s(self, number: int, start_s: float) -> float:
        """When the message is due of a publisher that begins at `start_s`, Unix time."""
        return start_s + number / (self.rate_per_s or 1.0)


@dataclass(frozen=True)
class Sent:
    """What one publisher did.

    Args:
        acknowledged: messages that the broker took.
        refused: messages that it did not.
        latest_s: the worst delay of a write, s.
        cores: how much of a core it took meanwhile.
    """

    acknowledged: int
    refused: int
    latest_s: float
    cores: float


def publish(task: Task, let: Any, parent: Connection) -> None:
    """Connect, say so, publish until all is acknowledged, then tell what was done.

    Args:
        task: what to publish.
        let: a shared number: how many may be published by now; below 0, it is over.
        parent: hears of the connection, says when to begin, and hears what was sent.
    """
    with _connected(task.login) as tls:
        parent.send(None)
        start_s: float = parent.recv()
        packets = _Packets(task)
        sent = acknowledged = refused = 0
        latest_s = 0.0
        rest = b""
        time.sleep(max(0.0, start_s - time.time()))
        began_s, cpu_before_s = time.perf_counter(), time.process_time()
        while True:
            allowed = _allowed(task, let, sent, start_s)
            is_over = let.value < 0 or sent >= task.most
            batch = 0 if is_over else min(allowed - sent, _WINDOW - sent + acknowledged, _AT_ONCE)
            if batch > 0:
                if task.rate_per_s:
                    latest_s = max(latest_s, time.time() - task.due_s(sent, start_s))
                tls.sendall(b"".join(packets.at(number) for number in range(sent, sent + batch)))
                sent += batch
            elif is_over and acknowledged == sent:
                break
            more, bad, rest = _answers(tls, rest, 0.0 if batch > 0 else _IDLE_S)
            acknowledged += more
            refused += bad
    cores = (time.process_time() - cpu_before_s) / (time.perf_counter() - began_s)
    parent.send(Sent(acknowledged - refused, refused, latest_s, cores))


def _allowed(task: Task, let: Any, sent: int, start_s: float) -> int:
    if task.rate_per_s is None:
        return int(let.value)
    due = int((time.time() - start_s) * task.rate_per_s) + 1
    return min(max(due, sent), task.most)


class _Packets:
    """PUBLISH packets of sessions, made from one another."""

    def __init__(self, task: Task) -> None:
        self._task = task
        topic = topics.sessions(task.login.username).encode()
        self._head = struct.pack("!H", len(topic)) + topic
        self._slot = -1
        self._times = ("", "")
        self._first_start = datetime.now(UTC).replace(microsecond=0) - _BEGAN_BEFORE

    def at(self, number: int) -> bytes:
        """The packet of the session with this number."""
        n_slots, place = divmod(number, _CONNECTORS)
        in_use, slot = divmod(n_slots, _SLOTS)
        connector, station = divmod(place, STATIONS)
        if slot != self._slot:
            start = self._first_start + slot * _SLOT
            self._slot = slot
            self._times = (start.isoformat(), (start + _STAY).isoformat())
        body = (
            f'{{"session_id":"{self._task.name}-{number}",'
            f'"station_id":"{self._task.login.username[:12]}-{station}",'
            f'"connector_id":"{self._task.name}-{in_use}-{connector}",'
            f'"user_id":"U-{number % 4999}","started_at":"{self._times[0]}",'
            f'"ended_at":"{self._times[1]}","energy_kwh":{_energy_kwh(number)},'
            f'"cost":{1 + number % 31 / 4},"currency":"EUR"}}'
        ).encode()
        rest = self._head + struct.pack("!HB", 1 + number % _PACKET_IDS, 0) + body
        return b"\x32" + _length(len(rest)) + rest


def _energy_kwh(number: int) -> float:
    return _ODD_KWH if number % _ODD_EVERY == 0 else 2 + number % 97 / 10


def _connected(login: Login) -> ssl.SSLSocket:
    raw = socket.create_connection((login.host, login.port), timeout=_TIMEOUT_S)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = login.tls().wrap_socket(raw, server_hostname=login.host)
    body = _text("MQTT") + struct.pack("!BBHB", 5, 0b1100_0010, 0, 0)
    body += _text("") + _text(login.username) + _text(login.password)
    tls.sendall(b"\x10" + _length(len(body)) + body)
    answer = tls.recv(4096)
    if answer[0] != 0x20 or answer[3] != 0:
        raise ConnectionError(f"the broker refuses {login.username}")
    return tls


def _answers(tls: ssl.SSLSocket, rest: bytes, wait_s: float) -> tuple[int, int, bytes]:
    """Acknowledgements that came, how many of them refuse, and what is left of the last."""
    if not tls.pending() and not select.select([tls], [], [], wait_s)[0]:
        return 0, 0, rest
    data = rest + tls.recv(1 << 16)
    if len(data) == len(rest):
        raise ConnectionError("the broker has ended the connection")
    position = n = refused = 0
    while len(data) - position >= 2 and len(data) - position >= 2 + data[position + 1]:
        length = data[position + 1]
        if data[position] == _PUBACK:
            n += 1
            refused += length > 2 and data[position + 4] >= 0x80
        position += 2 + length
    return n, refused, data[position:]


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _length(value: int) -> bytes:
    """A number of bytes below 16,384, seven bits a byte, the lowest first."""
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80, value >> 7])
