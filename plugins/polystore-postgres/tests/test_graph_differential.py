"""Native reads give what the derived defaults give, on random multigraphs with self-loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from polystore.stores.graph_driver import GraphDriver
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.call import Call
from polystore.types.records import EdgeKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.stores.queries import FindQuery
    from polystore.types.batches import Direction
    from polystore.types.records import Edge, GraphCounts, Node, Page
    from polystore_postgres.graph import PostgresGraph

    MakeGraph = Callable[..., Awaitable[PostgresGraph]]

IDS = ["a", "A", "b", "B", "ab", "%", "é", "z", "\ue000", "🙂", "c", "d", "e", "f"]
TYPES = ["t", "T", "u", "é"]
CALL = Call("acme")


class Derived(GraphDriver):
    """The abstract hooks of a driver, with every derived read as the core defines it."""

    def __init__(self, driver: PostgresGraph) -> None:
        self.driver = driver
        self.directed = driver.directed
        self.capabilities = driver.capabilities

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        await self.driver.upsert_nodes(call, batch)

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        await self.driver.upsert_edges(call, batch, create_missing=create_missing)

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        return await self.driver.get_nodes(call, ids)

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        return await self.driver.get_edges(call, keys)

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        return await self.driver.delete_nodes(call, ids, detach=detach)

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        return await self.driver.delete_edges(call, keys)

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        return await self.driver.edges_of(call, ids, direction, types)

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        return await self.driver.find_nodes(call, query)

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        return await self.driver.scan_edges(call, cursor, limit)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        return await self.driver.counts(call)

    @override
    async def clear(self, call: Call) -> int:
        return await self.driver.clear(call)


@pytest.fixture(params=[True, False], ids=["directed", "undirected"])
async def graph(request: pytest.FixtureRequest, make_graph: MakeGraph) -> PostgresGraph:
    return await make_graph(directed=request.param)


def multigraphs(names: list[str], least: int) -> st.SearchStrategy[list[EdgeKey]]:
    end = st.sampled_from(names)
    key = st.builds(EdgeKey, end, st.sampled_from(TYPES), end)
    return st.lists(key, min_size=least, max_size=45, unique=True)


ids = st.sampled_from(IDS)
# Few nodes with many edges have the ties that the order is about; many with few are far apart.
edge_keys = multigraphs(IDS, 0) | multigraphs(IDS[:5], 12) | multigraphs(IDS, 20)
asked = st.lists(ids, min_size=1, max_size=6, unique=True)
directions = st.sampled_from(["out", "in", "both"])
kinds = st.none() | st.lists(st.sampled_from(TYPES), unique=True, max_size=3)
examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def fill(graph: PostgresGraph, keys: list[EdgeKey], alone: list[str]) -> list[EdgeKey]:
    if not graph.directed:
        keys = list({EdgeKey(min(k[0], k[2]), k[1], max(k[0], k[2])) for k in keys})
    await graph.clear(CALL)
    rows = len(alone)
    await graph.upsert_nodes(
        CALL, NodeBatch(alone, [()] * rows, [dict[str, Any]()] * rows, [b"{}"] * rows)
    )
    texts = [b'{"n": %d}' % n for n in range(len(keys))]
    await graph.upsert_edges(
        CALL, EdgeBatch(keys, [dict[str, Any]()] * len(keys), texts), create_missing=True
    )
    return keys


def way(graph: PostgresGraph, direction: Direction) -> Direction:
    return direction if graph.directed else "both"


@examples
@given(keys=edge_keys, alone=asked, wanted=asked, direction=directions, types=kinds)
async def test_edges_of(
    graph: PostgresGraph,
    keys: list[EdgeKey],
    alone: list[str],
    wanted: list[str],
    direction: Direction,
    types: list[str] | None,
) -> None:
    keys = await fill(graph, keys, alone)
    direction = way(graph, direction)
    found = await graph.edges_of(CALL, wanted, direction, types)
    assert [[edge.key for edge in edges] for edges in found] == [
        sorted(
            key
            for key in keys
            if (types is None or key.type in types)
            and (
                (direction != "in" and key.source == id_)
                or (direction != "out" and key.target == id_)
            )
        )
        for id_ in wanted
    ]


@examples
@given(keys=edge_keys, alone=asked, wanted=asked, direction=directions, k=st.integers(1, 20))
async def test_degrees_and_the_edges_among(
    graph: PostgresGraph,
    keys: list[EdgeKey],
    alone: list[str],
    wanted: list[str],
    direction: Direction,
    k: int,
) -> None:
    await fill(graph, keys, alone)
    direction, derived = way(graph, direction), Derived(graph)
    degrees = await graph.degrees(CALL, wanted, direction)
    assert degrees == await derived.degrees(CALL, wanted, direction)
    top = await graph.top_nodes(CALL, k, direction)
    assert top == await derived.top_nodes(CALL, k, direction)
    among = await graph.edges_among(CALL, wanted)
    assert among == await derived.edges_among(CALL, wanted)
    assert await graph.count_nodes(CALL, None) == await derived.count_nodes(CALL, None)


@examples
@given(
    keys=edge_keys,
    alone=asked,
    seeds=asked,
    depth=st.integers(0, 4),
    max_nodes=st.integers(1, 12),
    direction=directions,
    types=kinds,
)
async def test_subgraph(
    graph: PostgresGraph,
    keys: list[EdgeKey],
    alone: list[str],
    seeds: list[str],
    depth: int,
    max_nodes: int,
    direction: Direction,
    types: list[str] | None,
) -> None:
    await fill(graph, keys, alone)
    arguments = (CALL, seeds, depth, max_nodes, way(graph, direction), types)
    assert await graph.subgraph(*arguments) == await Derived(graph).subgraph(*arguments)


@examples
@given(
    keys=edge_keys,
    alone=asked,
    ends=st.tuples(ids, ids),
    max_depth=st.integers(1, 6),
    direction=directions,
    types=kinds,
)
async def test_shortest_path(
    graph: PostgresGraph,
    keys: list[EdgeKey],
    alone: list[str],
    ends: tuple[str, str],
    max_depth: int,
    direction: Direction,
    types: list[str] | None,
) -> None:
    await fill(graph, keys, alone)
    arguments = (CALL, *ends, max_depth, way(graph, direction), types)
    found = await graph.shortest_path(*arguments)
    assert found == await Derived(graph).shortest_path(*arguments)
    if found is not None:
        assert (found.nodes[0], found.nodes[-1]) == ends
        assert len(found.nodes) == len(found.edges) + 1
