"""What doctor says of a server, and what that means for capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers.redis import redis_server

from polystore.capabilities import Feature
from polystore.errors import ConnectionFailed

from .clients import client_of

if TYPE_CHECKING:
    from polystore import Polystore


async def told(ps: Polystore) -> dict[str, tuple[str, str]]:
    return {f.check: (f.severity, f.message) for f in await ps.doctor() if f.backend == "main"}


async def test_a_good_server() -> None:
    with redis_server() as server:
        async with client_of({"url": server.url}) as ps:
            found = await told(ps)
            assert found["eviction"] == ("ok", "maxmemory-policy is noeviction")
            assert found["persistence"][0] == "ok"
            assert found["encryption"][0] == "ok"
            assert found["clock"][0] == "ok"
            assert found["replication"] == ("ok", "primary with 0 replicas")
            assert found["version"][0] == "ok"
            assert Feature.DURABLE in (await ps.kv("things").capabilities()).features


async def test_a_server_that_throws_data_away_and_keeps_none() -> None:
    settings: dict[str, Any] = {"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}
    with redis_server(settings=settings | {"appendonly": "no"}) as server:
        async with client_of({"url": server.url}) as ps:
            found = await told(ps)
            assert found["eviction"][0] == "error"
            assert "throws acknowledged data away" in found["eviction"][1]
            assert found["persistence"][0] == "warning"
            assert Feature.DURABLE not in (await ps.kv("things").capabilities()).features


async def test_a_full_server_refuses_and_says_so() -> None:
    with redis_server(settings={"maxmemory": "8mb"}) as server:
        async with client_of({"url": server.url}) as ps:
            value = "x" * 100_000
            stored = 0

            async def fill() -> None:
                nonlocal stored
                while stored < 200:
                    await ps.kv("things").put(f"k{stored}", value)
                    stored += 1

            with pytest.raises(ConnectionFailed, match="maxmemory") as caught:
                await fill()
            assert not caught.value.retryable
            assert await ps.kv("things").get("k0") == value
            assert await ps.kv("things").count() == stored
            assert await ps.kv("things").delete("k0")
