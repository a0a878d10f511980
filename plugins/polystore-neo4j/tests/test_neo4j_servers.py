"""Wrong logins, and a server that is killed."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from servers.neo4j import Neo4jServer, neo4j_server
from servers.patience import until_it_works
from servers.process import free_port

from polystore import Edge
from polystore.errors import ConnectionFailed, OperationTimeout, PolystoreError

from .clients import client_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_wrong_passwords_are_told_without_showing_them(neo4j5: Neo4jServer) -> None:
    with pytest.raises(ConnectionFailed) as caught:
        await client_of({**neo4j5.block, "password": "wrong-one"}).__aenter__()
    assert not caught.value.retryable
    assert "wrong-one" not in f"{caught.value!r}{caught.value}"
    with pytest.raises(ConnectionFailed, match="database"):
        await client_of({**neo4j5.block, "database": "nothing"}).__aenter__()


async def test_nobody_listens() -> None:
    block: dict[str, Any] = {"use": "neo4j", "uri": f"bolt://127.0.0.1:{free_port()}"}
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        await client_of(block | {"password": "x"}).__aenter__()


async def test_acknowledged_writes_survive_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    acknowledged: list[tuple[str, str, str]] = []
    with neo4j_server(port=port, folder=tmp_path) as server:
        client = client_of({**server.block, "timeout": "3s"})
        ps = await client.__aenter__()

        async def write(worker: int) -> None:
            for number in range(100_000):
                edge = Edge(f"{worker}", "t", f"{worker}-{number}", {"n": number})
                await ps.graph("knowledge").upsert_edges([edge])
                acknowledged.append(edge.key)
                if len(acknowledged) == 100:
                    enough.set()

        enough = asyncio.Event()
        writers = [asyncio.create_task(write(worker)) for worker in range(4)]
        await enough.wait()
        os.kill(server.pid, signal.SIGKILL)
        ended = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(error, ConnectionFailed | OperationTimeout) for error in ended), ended
        with pytest.raises(PolystoreError):
            await ps.graph("knowledge").count()
    with neo4j_server(port=port, folder=tmp_path, password=server.password):
        edges = await until_it_works(lambda: ps.graph("knowledge").get_edges(acknowledged))
        assert [edge.key for edge in edges if edge is not None] == acknowledged
        counts = await ps.graph("knowledge").count()
        assert counts.edges <= len(acknowledged) + 4
        await client.__aexit__(None, None, None)
