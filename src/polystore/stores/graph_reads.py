"""Graph stores: what the handle reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import InvalidRecord
from polystore.specs import GraphSpec
from polystore.stores.cursor import decode_cursor, encode_cursor, query_signature
from polystore.stores.graph_driver import GraphDriver
from polystore.stores.handle import Handle
from polystore.stores.queries import FindQuery
from polystore.types.json_domain import check_text
from polystore.types.names import check_key, check_keys
from polystore.types.numbers import check_count
from polystore.types.records import EdgeKey, Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from polystore.stores.filtering import FilterLike
    from polystore.types.batches import Direction
    from polystore.types.records import (
        Edge,
        GraphCounts,
        GraphPath,
        LabelMatch,
        Node,
        NodeDegree,
        Subgraph,
    )
    from polystore.types.reports import Explanation

EdgeKeyLike: TypeAlias = EdgeKey | tuple[str, str, str]
_READ_ROWS = 500


class GraphReads(Handle[GraphDriver]):
    """The reading half of `GraphStore`."""

    __slots__ = ()

    @property
    @override
    def spec(self) -> GraphSpec:
        """What was declared."""
        spec = self._store.spec
        if not isinstance(spec, GraphSpec):
            raise TypeError(f"store {spec.name} is no graph store")
        return spec

    async def get_node(self, id: str) -> Node | None:
        """Return a node, or None if it is absent."""
        return await self._read_one(
            "get_node",
            check_key(id, what="the node id"),
            lambda d, call, ids: d.get_nodes(call, ids),
        )

    async def get_nodes(self, ids: Iterable[str]) -> list[Node | None]:
        """Return the node of each id, in order, None where it is absent."""
        return await self._read_each(
            "get_nodes",
            check_keys(ids, what="the node id"),
            lambda d, part: d.get_nodes(self._call, part),
        )

    async def get_edge(self, source: str, type: str, target: str) -> Edge | None:
        """Return an edge, or None if it is absent."""
        return await self._read_one(
            "get_edge",
            self._edge_keys([(source, type, target)])[0],
            lambda d, call, keys: d.get_edges(call, keys),
        )

    async def get_edges(self, keys: Iterable[EdgeKeyLike]) -> list[Edge | None]:
        """Return the edge of each (source, type, target), in order, None where it is absent."""
        return await self._read_each(
            "get_edges",
            self._edge_keys(keys),
            lambda d, part: d.get_edges(self._call, part),
        )

    async def edges_of(
        self,
        ids: Iterable[str],
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[list[Edge]]:
        """Return the edges of each id, in order of key; [] where it is absent or has none.

        Args:
            ids: Which nodes; all of them in one round trip.
            direction: `out` (it is the source), `in` (it is the target) or `both`.
            types: Only edges of these types; None takes all.
        """
        way, kinds = self._way(direction), _types(types)
        return await self._read_each(
            "edges_of",
            check_keys(ids, what="the node id"),
            lambda d, part: d.edges_of(self._call, part, way, kinds),
        )

    async def neighbors(
        self,
        id: str,
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[str]:
        """Return the distinct ids that one edge leads to from `id`, in order."""
        if types is not None:
            return (await self.neighbors_many([id], direction=direction, types=types))[0]
        way = self._way(direction)
        return await self._read_one(
            f"neighbors:{way}",
            check_key(id, what="the node id"),
            lambda d, call, ids: d.neighbors(call, ids, way, None),
        )

    async def neighbors_many(
        self,
        ids: Iterable[str],
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[list[str]]:
        """Return the neighbours of each id, as `neighbors`, all in one round trip."""
        way, kinds = self._way(direction), _types(types)
        return await self._read_each(
            "neighbors",
            check_keys(ids, what="the node id"),
            lambda d, part: d.neighbors(self._call, part, way, kinds),
        )

    async def degrees(self, ids: Iterable[str], *, direction: Direction = "both") -> list[int]:
        """Return the degree of each id, in order; 0 where it is absent."""
        way = self._way(direction)
        return await self._read_each(
            "degrees",
            check_keys(ids, what="the node id"),
            lambda d, part: d.degrees(self._call, part, way),
        )

    async def top_nodes(self, k: int = 10, *, direction: Direction = "both") -> list[NodeDegree]:
        """Return the `k` nodes of highest degree, ties by id."""
        _at_least(1, k=k)
        way = self._way(direction)
        return await self._store.run(
            "top_nodes", self._call, lambda d: d.top_nodes(self._call, k, way)
        )

    async def subgraph(
        self,
        seeds: str | Iterable[str],
        *,
        depth: int = 1,
        max_nodes: int = 1000,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> Subgraph:
        """Return the nodes within `depth` steps of the seeds, and every edge among them.

        Seeds come first, in their order; then each level by degree (over both directions, highest
        first) and id. Where a level does not fit into `max_nodes`, its best are kept, only what
        was kept is followed, and `truncated` is set. Absent seeds are passed over.

        Args:
            seeds: One id or several.
            depth: Steps to follow, at least 0.
            max_nodes: Nodes to return at most, at least 1.
            direction: Which way to follow edges.
            types: Follow edges of these types only (the answer has all types); None follows all.
        """
        _at_least(0, depth=depth)
        _at_least(1, max_nodes=max_nodes)
        names = [seeds] if isinstance(seeds, str) else seeds
        distinct = list(dict.fromkeys(check_keys(names, what="the node id")))
        way, kinds = self._way(direction), _types(types)
        return await self._store.run(
            "subgraph",
            self._call,
            lambda d: d.subgraph(self._call, distinct, depth, max_nodes, way, kinds),
        )

    async def shortest_path(
        self,
        source: str,
        target: str,
        *,
        max_depth: int = 16,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> GraphPath | None:
        """Return a path of the fewest edges, or None if there is none within `max_depth`.

        Of several shortest ones, the one whose steps back from the target take the smallest id
        first and then the smallest edge type, so that every backend gives the same.
        """
        _at_least(1, max_depth=max_depth)
        ends = check_key(source, what="the node id"), check_key(target, what="the node id")
        way, kinds = self._way(direction), _types(types)
        return await self._store.run(
            "shortest_path",
            self._call,
            lambda d: d.shortest_path(self._call, *ends, max_depth, way, kinds),
        )

    async def find_nodes(
        self,
        filter: FilterLike | None = None,
        *,
        limit: int = 100,
        cursor: str | None = None,
        total: bool = False,
    ) -> Page[Node]:
        """Return a page of the nodes whose properties match, by id.

        `F.meta("labels").contains("Person")` asks for a label.

        Raises:
            InvalidFilter: Filter or cursor mean nothing here.
        """
        _at_least(1, limit=limit)
        wanted = await self._filter(filter)
        signature = query_signature(self.name, wanted, ())
        after = None if cursor is None else decode_cursor(signature, cursor, 0)
        query = FindQuery(wanted, (), limit + 1, after)
        found = await self._store.run(
            "find_nodes", self._call, lambda d: d.find_nodes(self._call, query)
        )
        counted = await self.count_nodes(wanted) if total else None
        if len(found) <= limit:
            return Page(found, None, counted)
        found = found[:limit]
        return Page(found, encode_cursor(signature, ((), found[-1].id)), counted)

    async def search_labels(self, text: str, *, limit: int = 10) -> list[LabelMatch]:
        """Return nodes whose id (their label, for people) is like `text`, the best first.

        In any letter case: equal ids, then ids that begin with `text`, then ids that contain it,
        each by id; where `fuzzy_labels` is declared, then ids with typing errors in them.

        Raises:
            UnsupportedError: The backend does not declare `label_search`.
        """
        _at_least(1, limit=limit)
        check_text(text, what="the text to search for")
        driver = await self._store.ready()
        driver.capabilities.require(
            Feature.LABEL_SEARCH, backend=self.backend, store=self.name, operation="search_labels"
        )
        if not text:
            return []
        return await self._store.run(
            "search_labels", self._call, lambda d: d.search_labels(self._call, text, limit)
        )

    async def scan_nodes(
        self,
        filter: FilterLike | None = None,
        *,
        batch: int = _READ_ROWS,
    ) -> AsyncIterator[Node]:
        """Yield every node that matches, by id, reading `batch` at a time."""
        cursor: str | None = None
        while True:
            page = await self.find_nodes(filter, limit=batch, cursor=cursor)
            for node in page.items:
                yield node
            cursor = page.cursor
            if cursor is None:
                return

    async def scan_edges(self, *, batch: int = _READ_ROWS) -> AsyncIterator[Edge]:
        """Yield every edge, by key where `ordered_scan` is declared, reading `batch` at a time."""
        _at_least(1, batch=batch)
        cursor: str | None = None
        while True:
            page = await self._store.run(
                "scan_edges",
                self._call,
                lambda d, cursor=cursor: d.scan_edges(self._call, cursor, batch),
            )
            for edge in page.items:
                yield edge
            cursor = page.cursor
            if cursor is None:
                return

    async def count(self) -> GraphCounts:
        """Return how many nodes and edges this workspace has."""
        return await self._store.run("count", self._call, lambda d: d.counts(self._call))

    async def count_nodes(self, filter: FilterLike | None = None) -> int:
        """Return how many nodes match."""
        wanted = await self._filter(filter)
        return await self._store.run(
            "count_nodes", self._call, lambda d: d.count_nodes(self._call, wanted)
        )

    async def explain(self, filter: FilterLike | None = None, *, limit: int = 100) -> Explanation:
        """Return how `find_nodes` with these arguments would be carried out."""
        _at_least(1, limit=limit)
        query = FindQuery(await self._filter(filter), (), limit + 1)
        return await self._store.run("explain", self._call, lambda d: d.explain(self._call, query))

    def _way(self, direction: Direction) -> Direction:
        if direction not in {"in", "out", "both"}:
            raise InvalidRecord(f"{direction!r} is no direction", hint="Use out, in or both")
        return direction if self.spec.directed else "both"

    def _keys(
        self, sources: Iterable[str], types: Iterable[str], targets: Iterable[str]
    ) -> list[EdgeKey]:
        """Return checked keys of columns, as `_edge_keys`."""
        checked = list(
            map(
                EdgeKey,
                check_keys(sources, what="the source id"),
                check_keys(types, what="the edge type"),
                check_keys(targets, what="the target id"),
            )
        )
        if self.spec.directed:
            return checked
        return [
            key if key.source <= key.target else EdgeKey(key.target, key.type, key.source)
            for key in checked
        ]

    def _edge_keys(self, keys: Iterable[EdgeKeyLike]) -> list[EdgeKey]:
        """Return checked keys, each with its ends in order where edges have no direction."""
        given = list(keys)
        for key in given:
            if isinstance(key, str) or len(key) != len(EdgeKey._fields):
                raise InvalidRecord(f"{key!r} is no edge key", hint="Use (source, type, target)")
        columns = zip(*given, strict=True) if given else ((), (), ())
        return self._keys(*columns)


def _types(types: Iterable[str] | None) -> list[str] | None:
    return None if types is None else sorted(set(check_keys(types, what="the edge type")))


def _at_least(minimum: int, **given: int) -> None:
    for name, value in given.items():
        check_count(value, name, at_least=minimum)
