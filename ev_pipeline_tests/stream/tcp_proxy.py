"""A network that can be cut: TCP between two processes, passed on byte by byte until told not to.

What lives here: the proxy and its faults. What does not: who speaks through it.
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Final

CHUNK_BYTES: Final = 1 << 16
"""What is passed on at a time."""

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends RST, as a connection ends whose other side is gone."""

STALL_POLL_S: Final = 0.02
"""How often a stalled connection looks whether it may go on, s."""


class Proxy:
    """Passes connections on to a port of this machine, and cuts, stalls or empties them.

    Args:
        upstream_port: where connections go.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._flowing = threading.Event()
        self._flowing.set()
        self._is_swallowing = False
        self._is_refusing = False
        self._is_tearing = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name=f"proxy {self.port}")
        self._thread.start()

    def cut(self) -> None:
        """Every connection is reset, and new ones are too."""
        self._is_refusing = True
        self._reset_all()

    def stall(self) -> None:
        """Connections stay, and nothing goes through them."""
        self._flowing.clear()

    def swallow(self) -> None:
        """Connections stay, and whatever is sent into them is lost."""
        self._is_swallowing = True

    def tear(self) -> None:
        """Of what is sent next half passes; then every connection is reset, new ones too."""
        self._is_tearing = True

    def mend(self) -> None:
        """Everything passes again; a connection that lost bytes is reset."""
        if self._is_swallowing:
            self._reset_all()
        self._is_swallowing = self._is_refusing = self._is_tearing = False
        self._flowing.set()

    def close(self) -> None:
        """Nobody is listening any more, and every connection is over."""
        self.mend()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._reset_all()
        self._thread.join()

    def _reset_all(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                if self._is_refusing:
                    raise ConnectionRefusedError
                far = socket.create_connection(("127.0.0.1", self._upstream_port))
            except OSError:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                near.close()
                continue
            with self._lock:
                self._pairs.add((near, far))
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(near, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in ready.select():
                    while not self._flowing.wait(STALL_POLL_S):
                        pass
                    data = key.fileobj.recv(CHUNK_BYTES)  # type: ignore[union-attr]  # a socket
                    if not data:
                        return
                    if self._is_tearing:
                        key.data.sendall(data[: len(data) // 2])
                        self.cut()
                    elif not self._is_swallowing:
                        key.data.sendall(data)


@contextlib.contextmanager
def proxied(upstream_port: int) -> Iterator[Proxy]:
    """Within, the port is also reached through a network that can be cut."""
    proxy = Proxy(upstream_port)
    try:
        yield proxy
    finally:
        proxy.close()
