"""Graph stores on Neo4j beside UNWIND and hand-written Cypher on the bare driver.

The server is the one of the tests (`make servers`), compiled for speed. Both sides have the same
driver, with neo4j-rust-ext.
"""

from __future__ import annotations

import random
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neo4j

import polystore
from bench.data import power_law_graph
from bench.measure import Case, per_call, per_row
from bench.neo4j_driver import CONSTRAINT, EMPTY, DriverGraph
from polystore import Edge, GraphSpec, Node

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from bench.context import Bench
    from bench.measure import Side, Unit
    from bench.sizes import Sizes
    from polystore import GraphStore

_TESTS = Path(__file__).resolve().parents[1] / "tests"
_MANY = 100
_MAX_NODES = 1000
_DEPTH = 3
STORES = (GraphSpec(name="web"),)


@asynccontextmanager
async def _opened() -> AsyncGenerator[tuple[GraphStore, DriverGraph]]:
    sys.path.insert(0, str(_TESTS))
    from servers.neo4j import neo4j_server

    async with AsyncExitStack() as stack:
        server = stack.enter_context(neo4j_server(heap="1g", page_cache="256m", short_lived=False))
        config: dict[str, Any] = {"backends": {"main": {**server.block, "schema": "auto"}}}
        ps = await stack.enter_async_context(polystore.open(config, stores=STORES))
        graph: Any = neo4j.AsyncGraphDatabase  # whose types know no settings
        driver = await stack.enter_async_context(
            graph.driver(server.block["uri"], auth=("neo4j", server.password))
        )
        session = await stack.enter_async_context(driver.session())
        await (await session.run(CONSTRAINT)).consume()
        yield ps.graph("web"), DriverGraph(session)


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; the graphs are there when reads begin."""
    sizes = bench.sizes
    nodes, edges = power_law_graph(sizes.nodes, sizes.edges)
    rows = len(nodes) + len(edges)
    async with _opened() as (store, driver):

        async def load(*, parallel: int = 1) -> None:
            await store.upsert_nodes(nodes, parallel=parallel)
            await store.upsert_edges(edges, parallel=parallel)

        async def empty() -> None:
            await store.clear()
            await (await driver.session.run(EMPTY)).consume()

        yield _case(
            f"neo4j load, {len(nodes):,} nodes", rows, "rows/s",
            lambda: per_row(load(), rows),
            lambda: per_row(driver.load(nodes, edges), rows),
            max(2, sizes.rounds - 2), "UNWIND and MERGE, 1,000 rows", before=empty,
        )  # fmt: skip
        yield _case(
            "neo4j load, parallel=2", rows, "rows/s",
            lambda: per_row(load(parallel=2), rows),
            lambda: per_row(driver.load(nodes, edges), rows),
            max(2, sizes.rounds - 2), "one session", before=empty,
        )  # fmt: skip
        # Each side takes the two in turns: who stores what is there already has nothing to do.
        versions = [(nodes, edges), _changed(nodes, edges)]
        own, bare = cycle(versions[::-1]), cycle(versions[::-1])

        async def replace() -> None:
            given = next(own)
            await store.upsert_nodes(given[0])
            await store.upsert_edges(given[1])

        yield _case(
            "neo4j load, replacing", rows, "rows/s",
            lambda: per_row(replace(), rows),
            lambda: per_row(driver.load(*next(bare)), rows),
            max(2, sizes.rounds - 2), "the same statements, other properties",
        )  # fmt: skip
        async for case in _reads(sizes, store, driver, nodes, edges):
            yield case


async def _reads(
    sizes: Sizes, store: GraphStore, driver: DriverGraph, nodes: list[Node], edges: list[Edge]
) -> AsyncGenerator[Case]:
    rng = random.Random(5)  # noqa: S311
    # Ends of edges, so that hubs come as often as they have edges.
    starts = [edge.target for edge in rng.sample(edges, sizes.calls)]
    few = starts[: max(5, sizes.calls // 10)]
    groups = [[node.id for node in rng.sample(nodes, _MANY)] for _ in few]

    async def hops(start: str, steps: int) -> set[str]:
        found, frontier = {start}, [start]
        for _ in range(steps):
            reached = set[str]().union(*await store.neighbors_many(frontier))
            frontier = list(reached - found)
            found.update(frontier)
        return found - {start}

    async def around(start: str) -> tuple[list[str], int, bool]:
        found = await store.subgraph(start, depth=_DEPTH, max_nodes=_MAX_NODES)
        return [node.id for node in found.nodes], len(found.edges), found.truncated

    assert await store.degrees(groups[0]) == await driver.degrees(groups[0])
    for start in starts[:3]:
        assert await hops(start, 2) == await driver.hops(start, 2)
        assert await around(start) == await driver.subgraph(start, _DEPTH, _MAX_NODES)
    yield _case(
        f"neo4j get_nodes, {_MANY} (p50)", len(groups), "ms",
        lambda: per_call(store.get_nodes, groups),
        lambda: per_call(driver.get_nodes, groups),
        sizes.rounds, "one statement",
    )  # fmt: skip
    yield _case(
        f"neo4j degrees of {_MANY} nodes (p50)", len(groups), "ms",
        lambda: per_call(store.degrees, groups),
        lambda: per_call(driver.degrees, groups),
        sizes.rounds, "one statement",
    )  # fmt: skip
    for steps, asked in ((1, starts), (2, few), (3, few)):

        async def ours(start: str, steps: int = steps) -> set[str]:
            return await hops(start, steps)

        async def theirs(start: str, steps: int = steps) -> set[str]:
            return await driver.hops(start, steps)

        yield _case(
            f"neo4j {steps} hop{'s' * (steps > 1)} (p50)", len(asked), "ms",
            lambda ours=ours, asked=asked: per_call(ours, asked),
            lambda theirs=theirs, asked=asked: per_call(theirs, asked),
            sizes.rounds, "a statement for each hop, ids only",
        )  # fmt: skip
    walks = starts[: sizes.walks]
    yield _case(
        f"neo4j subgraph, depth {_DEPTH}, {_MAX_NODES:,} nodes", len(walks), "ms",
        lambda: per_call(around, walks),
        lambda: per_call(lambda start: driver.subgraph(start, _DEPTH, _MAX_NODES), walks),
        sizes.rounds, "a ring by degree per level, then its nodes and edges",
    )  # fmt: skip


def _changed(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """Return the same graph with other properties."""
    return (
        [Node(node.id, node.labels, node.properties | {"size": -1}) for node in nodes],
        [Edge(*edge.key, {"weight": -1.0}) for edge in edges],
    )


def _case(
    name: str,
    rows: int,
    unit: Unit,
    ours: Side,
    driver: Side,
    rounds: int,
    note: str,
    *,
    before: Callable[[], Awaitable[None]] | None = None,
) -> Case:
    return Case(name, rows, unit, ours, driver, rounds, before=before, note=note, backend="neo4j")
