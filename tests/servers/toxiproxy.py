"""Toxiproxy: a TCP proxy between a client and a server that a test may cut, stall and heal.

One process serves any number of proxies. Every one is healthy until it is told otherwise.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.process import answers, free_port, running, server_folder

if TYPE_CHECKING:
    from collections.abc import Generator

_PROGRAM = Path(__file__).parents[2] / ".servers/bin/toxiproxy"


class Proxy:
    """One listening port in front of one server.

    Attributes:
        port: Where it listens, on 127.0.0.1.
        upstream: `host:port` of what is behind it.
    """

    def __init__(self, api: int, name: str, port: int, upstream: str) -> None:
        self.port = port
        self.upstream = upstream
        self._api = api
        self._path = f"/proxies/{name}"
        self._toxics = 0

    def cut(self) -> None:
        """Close every connection and refuse new ones, until `heal`."""
        self._change(enabled=False)

    def cut_once(self) -> None:
        """Close every connection; new ones are served at once."""
        self._change(enabled=False)
        self._change(enabled=True)

    def stall(self, *, answers_only: bool = False) -> None:
        """Let nothing through in either direction, on old connections and new, until `heal`.

        What was held back is lost when the connection ends, as on a network that drops packets.

        Args:
            answers_only: Requests still reach the server; only its answers are held back.
        """
        self._poison("timeout", "downstream", timeout=0)
        if not answers_only:
            self._poison("timeout", "upstream", timeout=0)

    def slow(self, seconds: float, jitter: float = 0.0) -> None:
        """Deliver every answer `seconds` late, until `heal`.

        Args:
            seconds: Of every piece of an answer.
            jitter: Seconds more or less, at random.
        """
        self._poison("latency", "downstream", latency=_ms(seconds), jitter=_ms(jitter))

    def reset(self, after: float = 0.0) -> None:
        """End connections once something is sent on them, until `heal`.

        Those opened from now on end with a TCP reset, older ones with an orderly end or, when the
        proxy had not read all that was sent, with a reset too.

        Args:
            after: Seconds from the first piece of a request until then.
        """
        self._poison("reset_peer", "upstream", timeout=_ms(after))
        self._poison("reset_peer", "downstream", timeout=_ms(after))

    def cut_after(self, size: int, *, answers: bool = True) -> None:
        """End each connection once so many bytes went through it from now on, until `heal`.

        Args:
            size: Bytes on one connection.
            answers: Bytes that the server sends are counted, else those of the client.
        """
        self._poison("limit_data", "downstream" if answers else "upstream", bytes=size)

    def heal(self) -> None:
        """Serve again as if nothing had been."""
        for toxic in self._ask("GET", f"{self._path}/toxics"):
            self._ask("DELETE", f"{self._path}/toxics/{toxic['name']}")
        self._change(enabled=True)

    def remove(self) -> None:
        """Close every connection and stop listening for good."""
        self._ask("DELETE", self._path)

    def _change(self, *, enabled: bool) -> None:
        self._ask("POST", self._path, {"enabled": enabled})

    def _poison(self, kind: str, stream: str, **attributes: int) -> None:
        self._toxics += 1
        toxic = {"name": f"{kind}-{self._toxics}", "type": kind, "stream": stream}
        self._ask("POST", f"{self._path}/toxics", {**toxic, "attributes": attributes})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return _ask(self._api, method, path, body)


class Toxiproxy:
    """A running Toxiproxy.

    Attributes:
        api: The port of its HTTP interface.
    """

    def __init__(self, api: int) -> None:
        self.api = api
        self._made = 0

    def proxy(self, upstream: int | str, *, port: int | None = None) -> Proxy:
        """Return a new proxy, which serves at once.

        Args:
            upstream: `host:port` of the server, or its port on 127.0.0.1.
            port: Where to listen on 127.0.0.1; None: somewhere free.
        """
        self._made += 1
        port = port or free_port()
        target = f"127.0.0.1:{upstream}" if isinstance(upstream, int) else upstream
        name = f"proxy-{self._made}"
        listen = f"127.0.0.1:{port}"
        made = {"name": name, "listen": listen, "upstream": target, "enabled": True}
        _ask(self.api, "POST", "/proxies", made)
        return Proxy(self.api, name, port, target)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _ask(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"Toxiproxy refused {method} {path}: {content.decode()}")
        return json.loads(content) if content else None
    finally:
        connection.close()


@contextlib.contextmanager
def toxiproxy() -> Generator[Toxiproxy]:
    """Run Toxiproxy while the block lasts."""
    if not _PROGRAM.exists():
        raise RuntimeError("Toxiproxy is missing: run tools/servers.sh")
    port = free_port()
    with server_folder() as (folder, user):
        argv = [str(_PROGRAM), "-host", "127.0.0.1", "-port", str(port)]
        log = folder / "toxiproxy.log"
        with running(argv, user, log, lambda: answers(port), signal.SIGTERM):
            yield Toxiproxy(port)
