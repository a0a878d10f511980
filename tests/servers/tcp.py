"""A plain TCP server of the tests' own, every connection of which is closed when it ends."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection: an event loop's server does not wait for what it accepted."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    @override
    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(ConnectionError):
            self._serve(request)

    @override
    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        """End every connection, also that of a client which never does."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was the first
                    connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def tcp_server(serve: Callable[[socket.socket], None]) -> Generator[int]:
    """Yield the loopback port at which `serve` has each connection, in a thread of its own."""
    with _Server(serve) as server:
        accepting = threading.Thread(target=server.serve_forever, args=(0.05,))
        accepting.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            accepting.join()
            server.cut()
