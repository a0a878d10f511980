"""Fixtures for every test tree; the root conftest loads this module as a plugin."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from servers.postgres import PostgresServer
from servers.postgres import postgres_server as run_postgres
from servers.shared import release
from servers.toxiproxy import Toxiproxy
from servers.toxiproxy import toxiproxy as run_toxiproxy

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let go of the servers that the workers share."""
    release(session.config)


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """A PostgreSQL with pgvector on TCP, for the whole run.

    POLYSTORE_TEST_POSTGRES_DSN (a URL of a superuser) names an existing server instead.
    """
    given = os.environ.get("POLYSTORE_TEST_POSTGRES_DSN")
    if given:
        parts = urlsplit(given)
        yield PostgresServer(given, parts.port or 5432, parts.password or "", 0)
        return
    with run_postgres() as server:
        yield server


@pytest.fixture
def postgres_dsn(postgres_server: PostgresServer) -> Generator[str]:
    """The address of an empty database of this test's own."""
    with postgres_server.fresh_database() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def postgres_module_dsn(postgres_server: PostgresServer) -> Generator[str]:
    """The address of a database that the tests of one module share."""
    with postgres_server.fresh_database() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def toxiproxy() -> Generator[Toxiproxy]:
    """Makes proxies that cut, stall and reset connections; one per worker of a run."""
    with run_toxiproxy() as running:
        yield running
