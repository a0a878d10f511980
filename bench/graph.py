"""Graph stores beside UNNEST and hand-written frontier queries on plain tables."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.data import power_law_graph
from bench.graph_driver import SAME_TABLES, TABLES, DriverGraph
from bench.measure import Case, per_call, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from polystore import Edge, GraphStore, Node

_DEGREES = 100
_MAX_NODES = 1000
_DEPTH = 3


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; the tables are filled when reads begin."""
    sizes, store = bench.sizes, bench.ps.graph("web")
    await bench.driver.execute(TABLES)
    await bench.driver.execute(SAME_TABLES)
    nodes, edges = power_law_graph(sizes.nodes, sizes.edges)
    driver = await DriverGraph.prepared(bench.driver)
    same = await DriverGraph.prepared(bench.driver, same=True)
    rows = len(nodes) + len(edges)

    async def load(*, parallel: int = 1) -> None:
        await store.upsert_nodes(nodes, parallel=parallel)
        await store.upsert_edges(edges, parallel=parallel)

    async def empty() -> None:
        tables = ["node", "edge", "node_same", "edge_same"]
        await bench.empty(["node_web", "edge_web"], tables)

    yield Case(
        f"graph load, {len(nodes):,} nodes", rows, "rows/s",
        lambda: per_row(load(), rows),
        lambda: per_row(driver.load(nodes, edges), rows),
        max(2, sizes.rounds - 2), before=empty,
        same=lambda: per_row(same.load(nodes, edges), rows),
        note="UNNEST, 1,000 rows a statement",
    )  # fmt: skip
    yield Case(
        "graph load, parallel=2", rows, "rows/s",
        lambda: per_row(load(parallel=2), rows),
        lambda: per_row(driver.load(nodes, edges), rows),
        max(2, sizes.rounds - 2), before=empty, note="one connection",
    )  # fmt: skip
    await empty()
    await load()
    await driver.load(nodes, edges)
    await bench.settle("polystore.node_web", "polystore.edge_web", "bare.node", "bare.edge")
    async for case in _reads(bench, store, driver, nodes, edges):
        yield case


async def _reads(
    bench: Bench, store: GraphStore, driver: DriverGraph, nodes: list[Node], edges: list[Edge]
) -> AsyncGenerator[Case]:
    sizes = bench.sizes
    rng = random.Random(5)  # noqa: S311
    # Ends of edges, so that hubs come as often as they have edges.
    starts = [edge.target for edge in rng.sample(edges, sizes.calls)]
    groups = [
        [node.id for node in rng.sample(nodes, _DEGREES)] for _ in range(max(5, sizes.calls // 10))
    ]

    async def two_hops(start: str) -> set[str]:
        first = await store.neighbors(start)
        return set(first).union(*await store.neighbors_many(first)) - {start}

    async def around(start: str) -> tuple[list[str], int, bool]:
        found = await store.subgraph(start, depth=_DEPTH, max_nodes=_MAX_NODES)
        return [node.id for node in found.nodes], len(found.edges), found.truncated

    assert await store.degrees(groups[0]) == await driver.degrees(groups[0])
    for start in starts[:3]:
        assert await store.neighbors(start) == sorted(await driver.one_hop(start))
        assert await two_hops(start) == await driver.two_hops(start)
        assert await around(start) == await driver.subgraph(start, _DEPTH, _MAX_NODES)
    few = starts[: max(5, sizes.calls // 10)]
    yield Case(
        f"graph degrees of {_DEGREES} nodes (p50)", len(groups), "ms",
        lambda: per_call(store.degrees, groups),
        lambda: per_call(driver.degrees, groups),
        sizes.rounds, note="one held prepared statement",
    )  # fmt: skip
    yield Case(
        "graph 1 hop (p50)", len(starts), "ms",
        lambda: per_call(store.neighbors, starts),
        lambda: per_call(driver.one_hop, starts),
        sizes.rounds, note="one held prepared statement, ids only",
    )  # fmt: skip
    yield Case(
        "graph 2 hops (p50)", len(few), "ms",
        lambda: per_call(two_hops, few),
        lambda: per_call(driver.two_hops, few),
        sizes.rounds, note="two held prepared statements, ids only",
    )  # fmt: skip
    walks = starts[: sizes.walks]
    yield Case(
        f"graph subgraph, depth {_DEPTH}, {_MAX_NODES:,} nodes", len(walks), "ms",
        lambda: per_call(around, walks),
        lambda: per_call(lambda start: driver.subgraph(start, _DEPTH, _MAX_NODES), walks),
        sizes.rounds, note="a ring by degree per level, then its nodes and edges",
    )  # fmt: skip
