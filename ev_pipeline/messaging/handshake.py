"""One login at the broker, step by step, on a socket of our own: what a probe needs.

A full client hides why a connection does not come about, and needs a thread; the supervisor, which
probes, must have none. What lives here: CONNECT and PINGREQ, in MQTT 5. What does not: messages.

References:
    MQTT Version 5.0, OASIS Standard: 3.1 (CONNECT), 3.2 (CONNACK), 3.12 and 3.13 (PINGREQ,
    PINGRESP).
"""

import socket
import ssl
import struct
from types import MappingProxyType
from typing import Final, Self

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.login import Login

TIMEOUT_S: Final = 5
"""By when the broker must have answered, s."""

KEEP_ALIVE_S: Final = 60
"""The broker ends a connection that is silent for half as long again, s."""

_CONNECT: Final = 0x10
_CONNACK: Final = 0x20
_PINGREQ: Final = b"\xc0\x00"
_PINGRESP: Final = b"\xd0\x00"
_DISCONNECT: Final = b"\xe0\x00"
_FLAGS: Final = 0b1100_0010
"""User name, password, clean start."""

_REFUSALS: Final = MappingProxyType(
    {
        0x86: "it does not know the account, or the password is wrong",
        0x87: "it does not know the account, or the password is wrong",
        0x88: "it is not available",
        0x97: "its limit of connections is reached",
    }
)
"""What the reason codes mean that the broker gives for a refused login."""


class Connection:
    """A login that the broker accepted, until it is closed.

    Args:
        login: who connects where.
    """

    def __init__(self, login: Login) -> None:
        context = login.tls()
        raw = socket.create_connection((login.host, login.port), timeout=TIMEOUT_S)
        try:
            self._socket = context.wrap_socket(raw, server_hostname=login.host)
        except (OSError, ssl.SSLError):
            raw.close()
            raise
        try:
            self._socket.sendall(_connect_packet(login))
            self._require_accepted(login)
        except (OSError, PipelineError):
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """The broker accepted the login."""
        return self

    def __exit__(self, *_: object) -> None:
        """The broker knows that this connection is over."""
        self.close()

    def certificate(self) -> bytes:
        """The broker's certificate, DER."""
        found = self._socket.getpeercert(binary_form=True)
        if found is None:
            raise ConnectionError("the broker showed no certificate")
        return found

    def ping(self) -> None:
        """The broker answered just now."""
        self._socket.sendall(_PINGREQ)
        if self._read(len(_PINGRESP)) != _PINGRESP:
            raise ConnectionError("it does not speak MQTT 5")

    def close(self) -> None:
        """Nothing is open any more, whether or not the broker is still there."""
        try:
            self._socket.sendall(_DISCONNECT)
        except OSError:
            pass  # it is gone already
        finally:
            self._socket.close()

    def _require_accepted(self, login: Login) -> None:
        kind, length = self._read(2)
        if kind != _CONNACK or length >= 0x80:  # noqa: PLR2004 - a CONNACK's length is one byte
            raise ConnectionError("it does not speak MQTT 5")
        code = self._read(length)[1]
        if code:
            raise PipelineError(
                f"the broker refuses the account {login.username}: "
                f"{_REFUSALS.get(code, f'reason code {code:#04x}')}",
                mend="see `ev-pipeline accounts list`, and the account's file in credentials/",
                where=login.address,
            )

    def _read(self, length: int) -> bytes:
        read = b""
        while len(read) < length:
            more = self._socket.recv(length - len(read))
            if not more:
                raise ConnectionError("it ended the connection")
            read += more
        return read


def log_in(login: Login) -> Connection:
    """A connection that the broker accepted.

    Raises:
        PipelineError: nobody answers there, the certificate is not to be trusted, or the login is
            refused.
    """
    try:
        return Connection(login)
    except ssl.SSLCertVerificationError as error:
        raise PipelineError(
            f"the broker's certificate is not to be trusted ({error.verify_message})",
            mend="give EV_MQTT_CA_FILE the ca.crt of this broker; if the certificate is out of "
            "date, run `ev-pipeline certificates renew`",
            where=login.address,
        ) from error
    except OSError as error:
        raise PipelineError(
            f"the broker does not answer ({error.strerror or error})",
            mend="start it with `ev-pipeline up`, or mend EV_MQTT_HOST and EV_MQTT_PORT",
            where=login.address,
        ) from error


def lets_in(login: Login) -> bool:
    """Whether a broker answers there, and accepts the login."""
    try:
        log_in(login).close()
    except PipelineError:
        return False
    return True


def _connect_packet(login: Login) -> bytes:
    """CONNECT without a client id: the broker gives one, and keeps nothing after the connection."""
    body = _text("MQTT") + struct.pack("!BBHB", 5, _FLAGS, KEEP_ALIVE_S, 0)
    body += _text("") + _text(login.username) + _text(login.password)
    return bytes([_CONNECT]) + _length(len(body)) + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _length(value: int) -> bytes:
    """A number of bytes, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while True:
        value, digit = divmod(value, 0x80)
        encoded.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(encoded)
