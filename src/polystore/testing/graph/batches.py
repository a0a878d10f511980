"""Many nodes and edges at once: duplicates, sizes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.errors import UnsupportedError
from polystore.testing.checks import assert_refused
from polystore.testing.graph.base import GraphTests, edges
from polystore.testing.outcomes import note_declared
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore


class GraphBatches(GraphTests):
    """Batches."""

    async def test_last_of_duplicates_wins(self, graph: GraphStore) -> None:
        """The same node or edge twice in a batch: the last wins, whole."""
        await graph.upsert_nodes([Node("a", ("X",), {"n": 1}), Node("b"), Node("a", (), {"m": 2})])
        node = await graph.get_node("a")
        assert node is not None
        assert (node.labels, node.properties) == ((), {"m": 2})
        await graph.upsert_edges([Edge("a", "t", "b", {"n": 1}), Edge("a", "t", "b", {"m": 2})])
        edge = await graph.get_edge("a", "t", "b")
        assert edge is not None
        assert edge.properties == {"m": 2}
        assert tuple(await graph.count()) == (2, 1)

    async def test_empty_batches(self, graph: GraphStore) -> None:
        """Nothing in, nothing done."""
        await graph.upsert_nodes([])
        await graph.upsert_edges([])
        assert await graph.get_nodes([]) == []
        assert await graph.get_edges([]) == []
        assert await graph.edges_of([]) == []
        assert await graph.degrees([]) == []
        assert await graph.neighbors_many([]) == []
        assert await graph.delete_nodes([]) == 0
        assert await graph.delete_edges([]) == 0
        assert (await graph.subgraph([])).nodes == []

    async def test_batch_larger_than_one_call(self, graph: GraphStore) -> None:
        """More rows than one call takes: every row is kept, in order."""
        rows = (await graph.capabilities()).limits.batch_rows
        size = rows + 3
        ids = [f"n{n:06}" for n in range(size)]
        await graph.upsert_nodes([Node(id_, (), {"n": n}) for n, id_ in enumerate(ids)])
        found = await graph.get_nodes(ids[::-1])
        assert [node and node.properties["n"] for node in found] == list(range(size - 1, -1, -1))
        keys = [(ids[n], "next", ids[(n + 1) % size]) for n in range(size)]
        await graph.upsert_edges([Edge(*key) for key in keys])
        assert tuple(await graph.count()) == (size, size)
        got = await graph.get_edges(keys)
        assert [edge and tuple(edge.key) for edge in got] == keys
        assert [len(part) for part in await graph.edges_of(ids)] == [2] * size
        assert await graph.degrees(ids) == [2] * size
        assert [node.id async for node in graph.scan_nodes()] == ids
        assert await graph.delete_edges([*keys, ("absent", "t", "absent")]) == size
        assert await graph.delete_nodes([*ids, "absent"]) == size
        assert tuple(await graph.count()) == (0, 0)

    async def test_atomic_batch(self, graph: GraphStore) -> None:
        """`atomic=True` stores everything, or refuses what is too large and stores nothing."""
        capabilities = await graph.capabilities()
        large = [Node(f"n{n}") for n in range(capabilities.limits.batch_rows + 1)]
        any_size = Feature.ATOMIC_ANY_SIZE in capabilities.features
        note_declared(Feature.ATOMIC_ANY_SIZE, declared=any_size)
        if any_size:
            await graph.upsert_nodes(large, atomic=True)
            assert (await graph.count()).nodes == len(large)
        else:
            await assert_refused(
                graph, UnsupportedError, lambda: graph.upsert_nodes(large, atomic=True)
            )

    async def test_concurrent_upserts(self, graph: GraphStore) -> None:
        """Writers of the same nodes and edges in differing order neither deadlock nor lose any."""
        keys = [f"n{a}-t-n{b}" for a in range(8) for b in range(8)]

        async def write(number: int) -> None:
            ordered = keys if number % 2 else keys[::-1]
            await graph.upsert_edges(edges(*ordered))
            await graph.upsert_nodes([Node(f"n{n}", (), {"by": number}) for n in range(8)])

        await asyncio.gather(*(write(number) for number in range(10)))
        assert tuple(await graph.count()) == (8, 64)
