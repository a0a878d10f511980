"""Fixtures of this plugin's tests: pools on a database of the test's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from servers.certificates import Certificates
from servers.postgres import PostgresServer, debian_binaries, postgres_server

from polystore.specdiff import StoredSpec
from polystore.specs import GraphSpec
from polystore_postgres import schema_graph
from polystore_postgres.capabilities import AT_LEAST
from polystore_postgres.config import PostgresConfig
from polystore_postgres.graph import PostgresGraph
from polystore_postgres.names import Names
from polystore_postgres.pool import Pool
from polystore_postgres.tables import create_statements

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractAsyncContextManager


class OpenPool(Protocol):
    """Opens a pool on this test's database; closes it at the end of the block."""

    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[Pool]: ...


@asynccontextmanager
async def opened_pool(**settings: Any) -> AsyncGenerator[Pool]:
    pool = await Pool.open(PostgresConfig.model_validate(settings), backend="main")
    try:
        yield pool
    finally:
        await pool.close()


@pytest.fixture
def open_pool(postgres_dsn: str) -> OpenPool:
    def start(**settings: Any) -> AbstractAsyncContextManager[Pool]:
        return opened_pool(**({"dsn": postgres_dsn} | settings))

    return start


@pytest.fixture
async def pool(open_pool: Callable[..., AbstractAsyncContextManager[Pool]]) -> AsyncGenerator[Pool]:
    async with open_pool(pool={"min": 1, "max": 4}) as opened:
        yield opened


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The server's certificate is for the name localhost, not for 127.0.0.1."""
    return Certificates.create(tmp_path_factory.mktemp("tls"), host="localhost", client="certified")


@pytest.fixture(scope="session")
def debian_server(certificates: Certificates) -> Generator[PostgresServer]:
    """Debian's PostgreSQL: TLS, no pgvector, and users that must (not) use TLS."""
    hba = "\n".join(
        f"{kind} all {user} {address} {method}"
        for address in ("127.0.0.1/32", "::1/128")
        for kind, user, method in (
            ("hostssl", "certified", "cert"),
            ("hostnossl", "only_tls", "reject"),
            ("hostssl", "only_plain", "reject"),
        )
    )
    with postgres_server(debian_binaries(), tls=certificates, hba=hba) as server:
        for user in ("certified", "only_tls", "only_plain"):
            server.execute(f"CREATE ROLE {user} LOGIN PASSWORD 'secret-of-{user}'")
        yield server


@pytest.fixture
async def debian_pool(debian_server: PostgresServer) -> AsyncGenerator[Pool]:
    with debian_server.fresh_database() as dsn:
        async with opened_pool(dsn=dsn) as opened:
            yield opened


class MakeGraph(Protocol):
    """Creates the tables of a graph store and returns its driver."""

    async def __call__(self, name: str = "g", **spec: Any) -> PostgresGraph: ...


@pytest.fixture
def make_graph(pool: Pool) -> MakeGraph:
    async def make(name: str = "g", **spec: Any) -> PostgresGraph:
        stored, names = StoredSpec(GraphSpec(name=name, **spec)), Names("public")
        for statement in create_statements(schema_graph, stored, names):
            await pool.execute(statement)
        return PostgresGraph(pool, stored, names, AT_LEAST["graph"])

    return make
