"""The fault scenarios on Redis and Valkey behind Toxiproxy."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from servers.process import free_port
from servers.redis import RedisServer, redis_server

from faults.base import Place
from faults.connections import FaultScenarios
from faults.fates import OnceScenarios
from faults.restarts import RestartScenarios

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from servers.toxiproxy import Toxiproxy

    from polystore.capabilities import Kind

SMALL_POOL = {"pool": {"max": 2, "acquire_timeout": 1}}


def placed(toxiproxy: Toxiproxy, port: int) -> Place:
    """A namespace behind a proxy of its own."""
    proxy = toxiproxy.proxy(port)
    block: dict[str, Any] = {
        "use": "redis",
        "url": f"redis://127.0.0.1:{proxy.port}",
        "namespace": f"faults-{secrets.token_hex(6)}",
        "connect_timeout": 2,
    }
    return Place(proxy, block, SMALL_POOL)


class OnRedis:
    """Keys and documents."""

    kinds: ClassVar[tuple[Kind, ...]] = ("kv", "doc")

    @pytest.fixture
    def place(self, toxiproxy: Toxiproxy, redis7: RedisServer) -> Generator[Place]:
        made = placed(toxiproxy, redis7.port)
        yield made
        made.proxy.remove()


class TestFaults(OnRedis, FaultScenarios): ...


class TestOnce(OnRedis, OnceScenarios): ...


class Restartable:
    """A Redis in one folder, at one port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self.port = free_port()
        self._running: RedisServer | None = None
        self.start()

    def start(self) -> None:
        """Start it."""
        server = redis_server(port=self.port, folder=self._folder)
        self._running = self._stack.enter_context(server)

    def kill(self) -> None:
        """Kill it."""
        assert self._running is not None
        os.kill(self._running.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Let it end."""
        self._stack.close()


class TestRestart(OnRedis, RestartScenarios):
    @pytest.fixture
    def server(self, tmp_path: Path) -> Generator[Restartable]:
        restartable = Restartable(tmp_path)
        yield restartable
        restartable.stop()

    @pytest.fixture
    def place(self, toxiproxy: Toxiproxy, server: Restartable) -> Generator[Place]:
        made = placed(toxiproxy, server.port)
        yield made
        made.proxy.remove()
