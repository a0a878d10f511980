"""A graph and two dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from polystore.errors import Conflict
from polystore.testing.checks import assert_raises
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore
    from polystore.types.batches import Direction

    Key = tuple[str, str, str]

_IDS = st.sampled_from(["a", "b", "A", "a-b", "a_b", "é"])
_KEYS = st.tuples(_IDS, st.sampled_from(["t", "u"]), _IDS)
_NUMBERS = st.sampled_from([0, 1, 2])
_SOME = st.lists(_IDS, max_size=4, unique=True)
_WAYS = st.sampled_from(["out", "in", "both"])

STEPS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("nodes"), st.dictionaries(_IDS, _NUMBERS, max_size=3)),
    st.tuples(st.just("edges"), st.dictionaries(_KEYS, _NUMBERS, max_size=5), st.just(value=True)),
    st.tuples(st.just("edges"), st.dictionaries(_KEYS, _NUMBERS, max_size=2), st.booleans()),
    st.tuples(st.just("delete_nodes"), _SOME, st.booleans()),
    st.tuples(st.just("delete_edges"), st.lists(_KEYS, max_size=3)),
    st.tuples(st.just("around"), _SOME, _WAYS),
    st.tuples(st.just("read"), _SOME, st.lists(_KEYS, max_size=3)),
)


class GraphModel:
    """What a graph has to hold.

    Args:
        directed: Whether an edge and its reverse are two.
    """

    def __init__(self, *, directed: bool) -> None:
        self._directed = directed
        self._nodes: dict[str, int | None] = {}
        self._edges: dict[Key, int] = {}

    async def nodes(self, graph: GraphStore, items: dict[str, int]) -> None:
        """Upsert nodes."""
        await graph.upsert_nodes([Node(id_, (), {"n": n}) for id_, n in items.items()])
        self._nodes |= items

    async def edges(self, graph: GraphStore, items: dict[Key, int], create: bool) -> None:
        """Upsert edges, with their ends or only between nodes that are there."""
        given = [Edge(*key, {"n": n}) for key, n in items.items()]
        ends = {end for source, _, target in items for end in (source, target)}
        if not create and not ends <= self._nodes.keys():
            await assert_raises(
                Conflict, lambda: graph.upsert_edges(given, missing_endpoints="refuse")
            )
            return
        await graph.upsert_edges(given, missing_endpoints="create" if create else "refuse")
        for end in ends:
            self._nodes.setdefault(end, None)
        for key, n in items.items():
            self._edges[self._key(key)] = n

    async def delete_nodes(self, graph: GraphStore, ids: list[str], detach: bool) -> None:
        """Delete nodes, with their edges or only if they have none."""
        held = [key for key in self._edges if key[0] in ids or key[2] in ids]
        if held and not detach:
            await assert_raises(Conflict, lambda: graph.delete_nodes(ids))
            return
        assert await graph.delete_nodes(ids, detach=detach) == len(self._nodes.keys() & set(ids))
        for key in held:
            del self._edges[key]
        for id_ in ids:
            self._nodes.pop(id_, None)

    async def delete_edges(self, graph: GraphStore, keys: list[Key]) -> None:
        """Delete edges; nodes stay."""
        there = {self._key(key) for key in keys} & self._edges.keys()
        assert await graph.delete_edges(keys) == len(there)
        for key in there:
            del self._edges[key]

    async def around(self, graph: GraphStore, ids: list[str], way: Direction) -> None:
        """Ask for edges, neighbours and degrees."""
        for id_ in ids:
            out = [key for key in sorted(self._edges) if key[0] == id_]
            into = [key for key in sorted(self._edges) if key[2] == id_]
            seen = way if self._directed else "both"
            parts = {"out": out, "in": into, "both": out + into}[seen]
            assert await graph.degrees([id_], direction=way) == [len(parts)]
            (edges,) = await graph.edges_of([id_], direction=way)
            assert [tuple(edge.key) for edge in edges] == sorted(set(parts))
            near = {target if source == id_ else source for source, _, target in parts}
            assert await graph.neighbors(id_, direction=way) == sorted(near)

    async def read(self, graph: GraphStore, ids: list[str], keys: list[Key]) -> None:
        """Read some, and count all."""
        nodes = await graph.get_nodes(ids)
        assert [node is not None for node in nodes] == [id_ in self._nodes for id_ in ids]
        found = [node.properties.get("n") for node in nodes if node is not None]
        assert found == [self._nodes[id_] for id_ in ids if id_ in self._nodes]
        edges = await graph.get_edges(keys)
        expected = [self._edges.get(self._key(key)) for key in keys]
        assert [edge and edge.properties["n"] for edge in edges] == expected
        assert tuple(await graph.count()) == (len(self._nodes), len(self._edges))

    async def whole(self, graph: GraphStore) -> None:
        """Compare everything."""
        nodes = {n.id: n.properties.get("n") async for n in graph.scan_nodes(batch=2)}
        assert nodes == self._nodes
        edges = {tuple(e.key): e.properties["n"] async for e in graph.scan_edges(batch=2)}
        assert edges == self._edges

    def _key(self, key: Key) -> Key:
        source, type_, target = key
        return key if self._directed or source <= target else (target, type_, source)
