"""Getting a connection: who is refused, several hosts, servers that come late."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from servers.postgres import PostgresServer, postgres_server
from servers.process import free_port

from polystore.errors import (
    ConnectionFailed,
    PolystoreError,
)
from polystore_postgres.config import PostgresConfig
from polystore_postgres.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    OpenPool = Callable[..., AbstractAsyncContextManager[Pool]]

QUICK = {"retries": 0, "timeout": 5}


async def refused(dsn: str, **settings: Any) -> PolystoreError:
    """Open a pool that cannot be opened; return the error."""
    config = PostgresConfig.model_validate({"dsn": dsn, "connect": QUICK} | settings)
    with pytest.raises(PolystoreError) as caught:
        await Pool.open(config, backend="main")
    return caught.value


async def test_who_is_refused_and_what_the_message_says(postgres_server: PostgresServer) -> None:
    secret = "s3cret-" + "Passw0rd"
    user = postgres_server.dsn.split("//")[1].split(":")[0]
    at = f"127.0.0.1:{postgres_server.port}"
    error = await refused(f"postgresql://{user}:{secret}@{at}/postgres")
    assert isinstance(error, ConnectionFailed)
    assert not error.retryable
    assert "password" in str(error)
    assert secret not in str(error) + repr(error) + repr(error.__cause__)
    error = await refused(postgres_server.database("no such db"))
    assert "no such db" in str(error)
    assert "Create the database" in str(error)
    assert not error.retryable
    error = await refused(f"postgresql://{user}:{secret}@127.0.0.1:{free_port()}/postgres")
    assert error.retryable
    assert secret not in str(error)
    error = await refused(f"postgresql://{user}:{secret}@no-such-host.invalid/postgres")
    assert "host name" in str(error)
    assert secret not in str(error) + repr(error.__cause__)
    error = await refused(f"host=/nonexistent user={user} password={secret}")
    assert isinstance(error, ConnectionFailed)
    assert secret not in str(error)


async def test_the_second_of_several_hosts(postgres_server: PostgresServer) -> None:
    dsn = postgres_server.dsn.replace("127.0.0.1", f"127.0.0.1:{free_port()},127.0.0.1")
    config = PostgresConfig.model_validate({"dsn": dsn, "connect": QUICK})
    several = await Pool.open(config, backend="main")
    assert await several.fetchval("SELECT 1") == 1
    await several.close()


async def test_a_server_that_starts_late() -> None:
    port = free_port()
    stop = threading.Event()
    ready = threading.Event()
    servers: list[PostgresServer] = []

    def run() -> None:
        with postgres_server(port=port) as server:
            server.execute("CREATE ROLE late LOGIN SUPERUSER PASSWORD 'late'")
            servers.append(server)
            ready.set()
            stop.wait(60)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        # A password that is not known yet is not waited for, a port that is not open is.
        dsn = f"postgresql://late:late@127.0.0.1:{port}/postgres"
        config = {"dsn": dsn, "connect": {"retries": 100, "backoff": 0.02, "timeout": 2}}
        model = PostgresConfig.model_validate(config)
        early = await asyncio.gather(Pool.open(model, backend="main"), return_exceptions=True)
        await asyncio.to_thread(ready.wait, 60)
        assert isinstance(early[0], Pool) or not getattr(early[0], "retryable", True)
        pool = early[0] if isinstance(early[0], Pool) else await Pool.open(model, backend="main")
        assert await pool.fetchval("SELECT 1") == 1
        await pool.close()
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)
