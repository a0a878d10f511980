"""The fault scenarios on PostgreSQL behind Toxiproxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import pytest
from servers.postgres import postgres_server as run_postgres
from servers.restartable import Restartable

from faults.base import Place
from faults.connections import FaultScenarios
from faults.fates import OnceScenarios, UnitScenarios
from faults.restarts import RestartScenarios
from polystore.capabilities import KINDS

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.postgres import PostgresServer
    from servers.toxiproxy import Toxiproxy

    from polystore.capabilities import Kind

SMALL_POOL = {"pool": {"min": 0, "max": 2, "acquire_timeout": 1}}


def placed(toxiproxy: Toxiproxy, dsn: str) -> Place:
    """A database behind a proxy of its own."""
    parts = urlsplit(dsn)
    assert parts.port is not None
    assert parts.password is not None
    proxy = toxiproxy.proxy(parts.port)
    host = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}"
    block: dict[str, Any] = {
        "use": "postgres",
        "dsn": urlunsplit(parts._replace(netloc=host)),
        "connect": {"timeout": 2, "retries": 2},
    }
    return Place(proxy, block, SMALL_POOL, (parts.password,))


@pytest.fixture
def place(toxiproxy: Toxiproxy, postgres_dsn: str) -> Generator[Place]:
    made = placed(toxiproxy, postgres_dsn)
    yield made
    made.proxy.remove()


class OnPostgres:
    """Every kind."""

    kinds: ClassVar[tuple[Kind, ...]] = KINDS


class TestFaults(OnPostgres, FaultScenarios): ...


class TestOnce(OnPostgres, OnceScenarios): ...


class TestUnits(OnPostgres, UnitScenarios): ...


class TestRestart(OnPostgres, RestartScenarios):
    @pytest.fixture
    def running(self) -> Generator[PostgresServer]:
        """A server of this test's own, with the durability of a real one."""
        with run_postgres(settings={"fsync": "on"}) as started:
            yield started

    @pytest.fixture
    def server(self, running: PostgresServer) -> Generator[Restartable]:
        restartable = Restartable(running)
        yield restartable
        restartable.stop()

    @pytest.fixture
    def place(self, toxiproxy: Toxiproxy, running: PostgresServer) -> Generator[Place]:
        made = placed(toxiproxy, running.dsn)
        yield made
        made.proxy.remove()
