"""The fault scenarios on Milvus behind Toxiproxy."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from servers.milvus import MilvusServer, milvus_server
from servers.namespaces import namespace_on
from servers.process import free_port

from faults.base import Place
from faults.connections import FaultScenarios
from faults.restarts import RestartScenarios

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from servers.toxiproxy import Toxiproxy

    from polystore.capabilities import Kind

SMALL_POOL = {"pool": {"max": 2}}


def placed(toxiproxy: Toxiproxy, server: MilvusServer, namespace: str) -> Place:
    """A namespace behind a proxy of its own."""
    proxy = toxiproxy.proxy(server.port)
    block: dict[str, Any] = {
        **server.block,
        "uri": f"http://127.0.0.1:{proxy.port}",
        "namespace": namespace,
        "connect_timeout": 2,
    }
    hidden = (server.token, server.token.partition(":")[2]) if server.token else ()
    return Place(proxy, block, SMALL_POOL, hidden)


class OnMilvus:
    """Vectors."""

    kinds: ClassVar[tuple[Kind, ...]] = ("vector",)


class TestFaults(OnMilvus, FaultScenarios):
    @pytest.fixture
    def place(
        self, toxiproxy: Toxiproxy, milvus23: MilvusServer, request: pytest.FixtureRequest
    ) -> Generator[Place]:
        made = placed(toxiproxy, milvus23, namespace_on(milvus23, request, "faults"))
        yield made
        made.proxy.remove()


class Restartable:
    """A Milvus in one folder, at one port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._port = free_port()
        self.running: MilvusServer
        self.start()

    def start(self) -> None:
        """Start it; after a kill it takes some ten seconds."""
        server = milvus_server(port=self._port, folder=self._folder)
        self.running = self._stack.enter_context(server)

    def kill(self) -> None:
        """Kill it."""
        os.kill(self.running.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Let it end."""
        self._stack.close()


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Generator[Restartable]:
    """One for all of them, for it is slow to start again."""
    made = Restartable(tmp_path_factory.mktemp("milvus"))
    yield made
    made.stop()


class TestRestart(OnMilvus, RestartScenarios):
    @pytest.fixture
    def server(self, restartable: Restartable) -> Restartable:
        return restartable

    @pytest.fixture
    def place(self, toxiproxy: Toxiproxy, server: Restartable) -> Generator[Place]:
        made = placed(toxiproxy, server.running, f"faults_{secrets.token_hex(6)}")
        yield made
        made.proxy.remove()
