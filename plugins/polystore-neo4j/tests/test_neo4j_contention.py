"""Many writers of the same few nodes: they wait for one another, and never in a circle."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from polystore import Edge, Node

from .clients import client_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import TypeAlias

    import pytest

    from polystore import GraphStore

    Write: TypeAlias = Callable[[GraphStore, random.Random, list[Edge]], Awaitable[object]]

CLIENTS, WRITERS, ROUNDS = 4, 2, 3
IDS = [f"n{number:03}" for number in range(200)]


def edges_of_hubs(rng: random.Random, *, inward: bool) -> list[Edge]:
    """Return edges whose one end is mostly one of few nodes."""
    hubs = [IDS[int(len(IDS) * rng.random() ** 3)] for _ in range(200)]
    pairs = [(hub, rng.choice(IDS)) for hub in hubs]
    return [Edge(*((b, "t", a) if inward else (a, "t", b))) for a, b in pairs]


@asynccontextmanager
async def written(block: dict[str, Any], write: Write) -> AsyncGenerator[GraphStore]:
    """Let all writers write edges, and then do what `write` does; give the graph afterwards."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(client_of(block)) for _ in range(CLIENTS)]

        async def work(graph: GraphStore, number: int) -> None:
            rng = random.Random(number)  # noqa: S311
            for _ in range(ROUNDS):
                edges = edges_of_hubs(rng, inward=bool(number % 2))
                await graph.upsert_edges(edges)
                await write(graph, rng, edges)

        await asyncio.gather(
            *(
                work(client.graph("knowledge"), number * WRITERS + writer)
                for number, client in enumerate(clients)
                for writer in range(WRITERS)
            )
        )
        yield clients[0].graph("knowledge")


def retries(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of calls that were tried again."""
    messages = [record.getMessage() for record in caplog.records]
    return [message for message in messages if "trying again" in message]


async def nothing(_graph: GraphStore, _rng: random.Random, _edges: list[Edge]) -> None:
    """Write edges only."""


async def some_nodes(graph: GraphStore, rng: random.Random, _edges: list[Edge]) -> None:
    """Replace nodes that edges are written to."""
    await graph.upsert_nodes([Node(id_, (), {"n": rng.random()}) for id_ in rng.sample(IDS, 150)])


async def some_deleted(graph: GraphStore, rng: random.Random, edges: list[Edge]) -> None:
    """Replace nodes, and delete some of the edges again."""
    await some_nodes(graph, rng, edges)
    await graph.delete_edges([edge.key for edge in rng.sample(edges, 60)])


async def test_writers_of_edges_of_the_same_hubs_need_no_second_attempt(
    block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "polystore")
    async with written(block, nothing) as graph:
        keys = {edge.key async for edge in graph.scan_edges()}
    assert not retries(caplog)
    assert keys == {edge.key for number in range(CLIENTS * WRITERS) for edge in all_edges(number)}


def all_edges(number: int) -> list[Edge]:
    """Return what one writer of nothing else writes in all rounds."""
    rng = random.Random(number)  # noqa: S311
    return [e for _ in range(ROUNDS) for e in edges_of_hubs(rng, inward=bool(number % 2))]


async def test_writers_of_nodes_and_edges_and_deletes_of_edges_need_no_second_attempt(
    block: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "polystore")
    async with written(block, some_deleted) as graph:
        assert await whole(graph)
    assert not retries(caplog)


async def test_deletes_of_hubs_among_writers_of_their_edges_end(block: dict[str, Any]) -> None:
    async def write(graph: GraphStore, rng: random.Random, edges: list[Edge]) -> None:
        await some_nodes(graph, rng, edges)
        if rng.random() < 1 / 3:
            hubs = [IDS[0], *rng.sample(IDS, 20)]
            await graph.delete_nodes(hubs, detach=True)

    async with written(block, write) as graph:
        assert await whole(graph)


async def test_clears_among_writers_end(block: dict[str, Any]) -> None:
    async def write(graph: GraphStore, rng: random.Random, edges: list[Edge]) -> None:
        await some_nodes(graph, rng, edges)
        if rng.random() < 1 / 3:
            await graph.clear()

    async with written(block, write) as graph:
        assert await whole(graph)
        await asyncio.gather(*(graph.clear() for _ in range(4)))
        assert await graph.count() == (0, 0)


async def whole(graph: GraphStore) -> bool:
    """Whether every edge is there once, and both of its ends are."""
    keys = [edge.key async for edge in graph.scan_edges()]
    nodes = {node.id async for node in graph.scan_nodes()}
    ends = {end for key in keys for end in (key.source, key.target)}
    assert len(keys) == len(set(keys))
    assert await graph.count() == (len(nodes), len(keys))
    return ends <= nodes
