"""A driver's own way of reading equals the derived one, on random graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from polystore.stores import graph_walks
from polystore.stores.graph_driver import GraphDriver
from polystore.testing.checks import fresh_workspace
from polystore.testing.graph.base import GraphTests
from polystore.testing.strategies import few
from polystore.types.call import Call
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.types.batches import Direction

IDS = ["a", "b", "c", "B", "é", "d", "'", "10", "9"]
TYPES = ["t", "u", "T"]
EDGES = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(TYPES), st.sampled_from(IDS)), max_size=25
)
WAYS: st.SearchStrategy[Direction] = st.sampled_from(["out", "in", "both"])
SOME_TYPES = st.one_of(st.none(), st.lists(st.sampled_from(TYPES), max_size=2, unique=True))


class GraphDerived(GraphTests):
    """Overrides."""

    @few
    @given(data=st.data(), keys=EDGES, lone=st.lists(st.sampled_from(IDS), max_size=3))
    async def test_overrides_equal_the_derived_reads(
        self, client: Polystore, data: st.DataObject, keys: list[Any], lone: list[str]
    ) -> None:
        """degrees, neighbors, top_nodes, walks: as derived from the edges of nodes."""
        space = client.workspace(fresh_workspace())
        name = data.draw(st.sampled_from(["kit_graph", "kit_undirected"]))
        graph = space.graph(name)
        await graph.upsert_nodes([Node(id_) for id_ in lone])
        await graph.upsert_edges([Edge(*key) for key in keys])
        driver = await space.runtime.bound("graph", name).ready()
        assert isinstance(driver, GraphDriver)
        call = Call(space.name)
        way, types = data.draw(WAYS), data.draw(SOME_TYPES)
        seen: Direction = way if driver.directed else "both"
        assert await graph.degrees(IDS, direction=way) == await graph_walks.degrees(
            driver, call, IDS, seen
        )
        wanted = None if types is None else sorted(types)
        near = await graph.neighbors_many(IDS, direction=way, types=types)
        assert near == await graph_walks.neighbors(driver, call, IDS, seen, wanted)
        k = data.draw(st.integers(1, 12))
        assert await graph.top_nodes(k, direction=way) == await graph_walks.top_nodes(
            driver, call, k, seen
        )
        seeds = data.draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))
        depth, most = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 8))
        found = await graph.subgraph(seeds, depth=depth, max_nodes=most, direction=way, types=types)
        assert found == await graph_walks.subgraph(driver, call, seeds, depth, most, seen, wanted)
        longest = data.draw(st.integers(1, 5))
        # Against the direction of edges that are there, besides any two nodes.
        pairs = [(target, source) for source, _, target in keys[:3]]
        for ends in (*pairs, (data.draw(st.sampled_from(IDS)), data.draw(st.sampled_from(IDS)))):
            path = await graph.shortest_path(*ends, max_depth=longest, direction=way, types=types)
            assert path == await graph_walks.shortest_path(
                driver, call, *ends, longest, seen, wanted
            )
        some = data.draw(st.lists(st.sampled_from(IDS), max_size=6, unique=True))
        among = await driver.edges_among(call, some)
        assert among == await graph_walks.edges_among(driver, call, some)
