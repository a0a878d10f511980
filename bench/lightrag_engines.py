"""LightRAG's storages on Redis, Neo4j and Milvus beside its own for them, on the tests' servers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bench.lightrag_sides import sides_of, test_tree
from bench.lightrag_storages import graphs, kv, vectors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.lightrag_sides import Sides
    from bench.measure import Case

_TICK = 200


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations of one kind after the other, each while its server runs."""
    test_tree()
    for opened, group in ((_redis, kv), (_neo4j, graphs), (_milvus, vectors)):
        async with opened() as sides:
            async for case in group(bench, sides):
                yield case


@asynccontextmanager
async def _redis() -> AsyncGenerator[Sides]:
    from servers.redis import redis_server, valkey_program

    with redis_server(valkey_program()) as server:
        async with sides_of(
            "lightrag on redis:",
            "redis",
            _alone("kv", {"use": "redis", "url": server.url}),
            {"kv_storage": "RedisKVStorage"},
            environment={"REDIS_URI": server.url},
            rest=_nothing,
        ) as sides:
            yield sides


@asynccontextmanager
async def _neo4j() -> AsyncGenerator[Sides]:
    from servers.neo4j import neo4j_server

    with neo4j_server() as server:
        block = server.block
        async with sides_of(
            "lightrag on neo4j:",
            "neo4j",
            _alone("graph", block),
            {"graph_storage": "Neo4JStorage"},
            environment={
                "NEO4J_URI": block["uri"],
                "NEO4J_USERNAME": "neo4j",
                "NEO4J_PASSWORD": block["password"],
                "NEO4J_DATABASE": "neo4j",
            },
            rest=_nothing,
        ) as sides:
            yield sides


@asynccontextmanager
async def _milvus() -> AsyncGenerator[Sides]:
    from servers.milvus import milvus_server

    with milvus_server(tick=_TICK) as server:
        async with sides_of(
            "lightrag on milvus:",
            "milvus",
            _alone("vector", server.block),
            {"vector_storage": "MilvusVectorDBStorage"},
            environment={"MILVUS_URI": server.uri},
            rest=_nothing,
        ) as sides:
            yield sides


def _alone(kind: str, block: dict[str, Any]) -> dict[str, Any]:
    return {"backends": {"main": {**block, "schema": "auto"}}, "defaults": {kind: "main"}}


async def _nothing() -> None:
    """Let others run: there is nothing that these servers could be told to write back."""
    await asyncio.sleep(0)
