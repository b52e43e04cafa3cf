"""The library's client with two habits changed, which at thousands of messages a second cost most.

What lives here: reading what has come at once, and acknowledging many messages in one write. What
does not: what a connection is for, and what becomes of messages (`client`).
"""

import ssl
import struct
from collections.abc import Iterable
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import MessageType, MQTTErrorCode

_READ_BYTES: Final = 1 << 14
"""The most that TLS holds in one record."""

_RECORDS_AT_ONCE: Final = 50
"""The broker sends each message in a record of its own."""

_PACKETS_AT_ONCE: Final = 100
"""Before what waits to be sent has its turn."""

_ACKNOWLEDGEMENT: Final = struct.Struct("!BBH")
"""PUBACK: its kind, the length of what follows, the packet's id."""

_ID_BYTES: Final = 2


class ReadAhead(ssl.SSLSocket):
    """A TLS socket that gives what it has read before it reads again: paho asks byte by byte."""

    _ahead = b""
    _given = 0

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 -- as it has them
        """Agree on keys; closed where that fails, since paho forgets what did not come about."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """The next bytes, `buflen` at most."""
        if self._given == len(self._ahead):
            self._ahead, self._given = self._what_is_there(flags), 0
        part = self._ahead[self._given : self._given + buflen]
        self._given += len(part)
        return part

    def _what_is_there(self, flags: int) -> bytes:
        """The bytes of the records that have come; none at the end of the connection."""
        records = [super().recv(_READ_BYTES, flags)]
        while records[-1] and len(records) < _RECORDS_AT_ONCE:
            try:
                records.append(super().recv(_READ_BYTES, flags))
            except ssl.SSLWantReadError:
                break
        return b"".join(records)

    def pending(self) -> int:
        """How many bytes can be read without waiting."""
        return len(self._ahead) - self._given + super().pending()


class Wire(paho.Client):
    """A connection of the library's."""

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle the packets that have come, up to a hundred: paho asks the system after each."""
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        for _ in range(_PACKETS_AT_ONCE):
            code = super().loop_read(max_packets)
            connected = self.socket()
            is_more = isinstance(connected, ReadAhead) and connected.pending() > 0
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or not is_more:
                break
        return code

    def acknowledge(self, packet_ids: Iterable[int]) -> None:
        """The messages of these packets are acknowledged, in one write.

        `ack` would wake the network's thread and encrypt four bytes for each of them.
        """
        packets = b"".join(
            _ACKNOWLEDGEMENT.pack(MessageType.PUBACK, _ID_BYTES, packet_id)
            for packet_id in packet_ids
        )
        self._packet_queue(MessageType.PUBACK, packets, 0, 1)
