"""A Milvus of the tests can be killed and started again, and always ends.

Logins and TLS are tried by the plugin's own tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pymilvus import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncMilvusClient,
    DataType,
    MilvusClient,
    MilvusException,
)
from servers.milvus import RUN_FOLDERS, MilvusServer, milvus_server
from servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from servers.toxiproxy import Toxiproxy

NOT_LOADED = 101
PASSWORD = "p4ss-word"
# Else gRPC fails calls for a while because an earlier connection to the same address was refused.
ANEW = {"grpc.use_local_subchannel_pool": 1}


@contextlib.asynccontextmanager
async def connected(uri: str, token: str = "") -> AsyncGenerator[Any]:
    """Yield a client with a connection of its own."""
    client: Any = AsyncMilvusClient(
        uri=uri, token=token, dedicated=True, timeout=5, grpc_options=ANEW
    )
    try:
        yield client
    finally:
        await client.close()


async def create(client: Any, name: str) -> None:
    library: Any = MilvusClient
    schema = library.create_schema()
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("v", DataType.FLOAT_VECTOR, dim=2)
    index = library.prepare_index_params()
    index.add_index("v", index_type="FLAT", metric_type="L2")
    await client.create_collection(name, schema=schema, index_params=index)


async def ids(client: Any, name: str) -> set[str]:
    """Return the keys of all rows, as soon as a server that has just started has them loaded."""
    while True:
        try:
            found = await client.query(
                name, "id != ''", ["id"], limit=100, consistency_level="Strong"
            )
        except MilvusException as error:
            if error.code != NOT_LOADED:
                raise
            await asyncio.sleep(0.1)
        else:
            return {row["id"] for row in found}


def row(key: str) -> dict[str, Any]:
    return {"id": key, "v": [1.0, 2.0]}


async def test_what_it_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    port = free_port()
    with milvus_server(folder=tmp_path, port=port, password=PASSWORD) as server:
        async with connected(server.uri, server.token) as client:
            await create(client, "rows")
            await client.upsert("rows", [row("flushed"), row("deleted")])
            await client.flush("rows")
            await client.delete("rows", filter="id == 'deleted'")
            await client.upsert("rows", [row("unflushed")])
            os.kill(server.pid, signal.SIGKILL)
            with pytest.raises(MilvusException):
                await ids(client, "rows")
            with milvus_server(folder=tmp_path, port=port, password=PASSWORD) as again:
                assert (again.uri, again.token) == (server.uri, server.token)
                assert again.pid != server.pid
                assert await ids(client, "rows") == {"flushed", "unflushed"}


async def test_several_run_at_once(milvus23: MilvusServer) -> None:
    with milvus_server() as server:
        assert server.uri != milvus23.uri
        async with connected(milvus23.uri, milvus23.token) as one, connected(server.uri) as other:
            assert await one.get_server_version()
            assert await other.get_server_version() == "v2.3.5-lite"  # the wheel's name for it
            assert await other.list_collections() == []


def test_it_ends_when_a_test_fails_and_leaves_nothing() -> None:
    started: list[MilvusServer] = []
    with pytest.raises(ZeroDivisionError):
        fail_with_a_server(started)
    (server,) = started
    assert not Path(f"/proc/{server.pid}").exists()
    for folder in RUN_FOLDERS:
        assert not (folder / f"server_id_{server.pid}").exists()


def fail_with_a_server(started: list[MilvusServer]) -> None:
    with milvus_server() as server:
        started.append(server)
        raise ZeroDivisionError


def test_it_gets_the_port_that_it_is_given_or_fails() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])
        with pytest.raises(RuntimeError, match=f"port {port}"), milvus_server(port=port):
            raise AssertionError("it started elsewhere")


async def test_clients_work_through_the_proxy(
    milvus23: MilvusServer, toxiproxy: Toxiproxy, milvus_namespace: str
) -> None:
    proxy = toxiproxy.proxy(milvus23.port)
    async with connected(f"http://127.0.0.1:{proxy.port}", milvus23.token) as client:
        await create(client, milvus_namespace)
        await client.upsert(milvus_namespace, [row("a")])
        proxy.cut()
        with pytest.raises(MilvusException):
            await ids(client, milvus_namespace)
        proxy.heal()
        assert await ids(client, milvus_namespace) == {"a"}
        await client.drop_collection(milvus_namespace)
    proxy.remove()
