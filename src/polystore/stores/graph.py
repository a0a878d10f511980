"""Graph stores: the handle that users hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import InvalidRecord
from polystore.specs import GraphSpec
from polystore.stores.bound import Handle, json_object, last_positions, pick, split
from polystore.stores.cursor import decode_cursor, encode_cursor, query_signature
from polystore.stores.filtering import FilterLike, checked_filter
from polystore.stores.graph_driver import GraphDriver
from polystore.stores.graph_walks import other_ends
from polystore.stores.queries import FindQuery
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.json_domain import check_text, encode_json
from polystore.types.names import check_key, check_keys
from polystore.types.records import EdgeKey, Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from polystore.filters import Filter
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

EdgeKeyLike = EdgeKey | tuple[str, str, str]
_READ_ROWS = 500
K = TypeVar("K")


class GraphStore(Handle[GraphDriver]):
    """A property multigraph: nodes keyed by id, edges keyed by (source, type, target).

    In an undirected graph (a, t, b) and (b, t, a) are one edge, which comes back with its ends in
    code point order, and every `direction` reads as "both". A self-loop counts once in each
    direction, so twice in a degree over "both".
    """

    __slots__ = ()

    @property
    @override
    def spec(self) -> GraphSpec:
        """What was declared."""
        spec = self._store.spec
        if not isinstance(spec, GraphSpec):
            raise TypeError(f"store {spec.name} is no graph store")
        return spec

    async def upsert_nodes(self, nodes: Iterable[Node], *, atomic: bool = False) -> None:
        """Store nodes, replacing labels and properties; edges stay. Of equal ids the last wins.

        Args:
            nodes: What to store.
            atomic: All or nothing however many there are, or UnsupportedError.

        Raises:
            InvalidRecord: An id, label or property lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        ids: list[str] = []
        labels: list[tuple[str, ...]] = []
        properties: list[dict[str, Any]] = []
        texts: list[bytes] = []
        for node in nodes:
            ids.append(check_key(node.id, what="the node id"))
            labels.append(_check_labels(node))
            properties.append(node.properties)
            texts.append(_encode(node.properties, f"node {node.id!r}"))
        if not ids:
            return
        kept = last_positions(ids) or range(len(ids))
        chunks: list[tuple[Sequence[int], NodeBatch]] = []
        for rows in await self._rows(texts, kept):
            batch = NodeBatch(
                pick(ids, rows), pick(labels, rows), pick(properties, rows), pick(texts, rows)
            )
            chunks.append((rows, batch))
        await self._store.run_chunks(
            "upsert_nodes",
            self._call,
            chunks,
            lambda d, call, batch: d.upsert_nodes(call, batch),
            atomic=atomic,
        )

    async def upsert_edges(
        self,
        edges: Iterable[Edge],
        *,
        missing_endpoints: Literal["create", "refuse"] = "create",
        atomic: bool = False,
    ) -> None:
        """Store edges, replacing properties. Of equal keys the last wins.

        Args:
            edges: What to store.
            missing_endpoints: `create` makes absent end nodes, without labels and properties;
                `refuse` raises Conflict and stores nothing of the chunk.
            atomic: All or nothing however many there are, or UnsupportedError.

        Raises:
            Conflict: An end node is absent and `missing_endpoints` is `refuse`.
            InvalidRecord: A key or property lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        keys: list[EdgeKey] = []
        properties: list[dict[str, Any]] = []
        texts: list[bytes] = []
        for edge in edges:
            keys.append(self._key(edge.key))
            properties.append(edge.properties)
            texts.append(_encode(edge.properties, f"edge {tuple(edge.key)!r}"))
        if not keys:
            return
        kept = last_positions(keys) or range(len(keys))
        chunks: list[tuple[Sequence[int], EdgeBatch]] = [
            (rows, EdgeBatch(pick(keys, rows), pick(properties, rows), pick(texts, rows)))
            for rows in await self._rows(texts, kept)
        ]
        create = missing_endpoints == "create"
        await self._store.run_chunks(
            "upsert_edges",
            self._call,
            chunks,
            lambda d, call, batch: d.upsert_edges(call, batch, create_missing=create),
            atomic=atomic,
        )

    async def get_node(self, id: str) -> Node | None:
        """Return a node, or None if it is absent."""
        return (await self.get_nodes([id]))[0]

    async def get_nodes(self, ids: Iterable[str]) -> list[Node | None]:
        """Return the node of each id, in order, None where it is absent."""
        asked = check_keys(ids, what="the node id")
        distinct = list(dict.fromkeys(asked))
        found: list[Node | None] = []
        for part in await self._parts(distinct):
            found += await self._store.run(
                "get_nodes", self._call, lambda d, part=part: d.get_nodes(self._call, part)
            )
        by_id = dict(zip(distinct, found, strict=True))
        return [by_id[id_] for id_ in asked]

    async def get_edge(self, source: str, type: str, target: str) -> Edge | None:
        """Return an edge, or None if it is absent."""
        return (await self.get_edges([(source, type, target)]))[0]

    async def get_edges(self, keys: Iterable[EdgeKeyLike]) -> list[Edge | None]:
        """Return the edge of each (source, type, target), in order, None where it is absent."""
        asked = [self._key(key) for key in keys]
        distinct = list(dict.fromkeys(asked))
        found: list[Edge | None] = []
        for part in await self._parts(distinct):
            found += await self._store.run(
                "get_edges", self._call, lambda d, part=part: d.get_edges(self._call, part)
            )
        by_key = dict(zip(distinct, found, strict=True))
        return [by_key[key] for key in asked]

    async def delete_nodes(self, ids: str | Iterable[str], *, detach: bool = False) -> int:
        """Delete nodes; return how many were there.

        Args:
            ids: One id or several.
            detach: Delete their edges too; otherwise a node that has edges is refused.

        Raises:
            Conflict: A node has edges and `detach` is False; nothing of the chunk was deleted.
        """
        asked = check_keys([ids] if isinstance(ids, str) else ids, what="the node id")
        parts = [(range(0), part) for part in await self._parts(list(dict.fromkeys(asked)))]
        counts = await self._store.run_chunks(
            "delete_nodes",
            self._call,
            parts,
            lambda d, call, part: d.delete_nodes(call, part, detach=detach),
        )
        return sum(counts)

    async def delete_edges(self, keys: Iterable[EdgeKeyLike]) -> int:
        """Delete edges by (source, type, target); return how many were there. Nodes stay."""
        distinct = list(dict.fromkeys(self._key(key) for key in keys))
        parts = [(range(0), part) for part in await self._parts(distinct)]
        counts = await self._store.run_chunks(
            "delete_edges", self._call, parts, lambda d, call, part: d.delete_edges(call, part)
        )
        return sum(counts)

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
        asked = check_keys(ids, what="the node id")
        distinct = list(dict.fromkeys(asked))
        way, kinds = self._way(direction), _types(types)
        found: list[list[Edge]] = []
        for part in await self._parts(distinct):
            found += await self._store.run(
                "edges_of",
                self._call,
                lambda d, part=part: d.edges_of(self._call, part, way, kinds),
            )
        by_id = dict(zip(distinct, found, strict=True))
        return [by_id[id_] for id_ in asked]

    async def neighbors(
        self,
        id: str,
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[str]:
        """Return the distinct ids that one edge leads to from `id`, in order."""
        return (await self.neighbors_many([id], direction=direction, types=types))[0]

    async def neighbors_many(
        self,
        ids: Iterable[str],
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[list[str]]:
        """Return the neighbours of each id, as `neighbors`, all in one round trip."""
        asked = check_keys(ids, what="the node id")
        edges = await self.edges_of(asked, direction=direction, types=types)
        way = self._way(direction)
        return [sorted(other_ends(id_, part, way)) for id_, part in zip(asked, edges, strict=True)]

    async def degrees(self, ids: Iterable[str], *, direction: Direction = "both") -> list[int]:
        """Return the degree of each id, in order; 0 where it is absent."""
        asked = check_keys(ids, what="the node id")
        distinct = list(dict.fromkeys(asked))
        way = self._way(direction)
        found: list[int] = []
        for part in await self._parts(distinct):
            found += await self._store.run(
                "degrees", self._call, lambda d, part=part: d.degrees(self._call, part, way)
            )
        by_id = dict(zip(distinct, found, strict=True))
        return [by_id[id_] for id_ in asked]

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
        query = FindQuery(await self._filter(filter), (), limit + 1)
        return await self._store.run("explain", self._call, lambda d: d.explain(self._call, query))

    def _way(self, direction: Direction) -> Direction:
        if direction not in {"in", "out", "both"}:
            raise InvalidRecord(f"{direction!r} is no direction", hint="Use out, in or both")
        return direction if self.spec.directed else "both"

    def _key(self, key: EdgeKeyLike) -> EdgeKey:
        source, type_, target = key
        check_key(source, what="the source id")
        check_key(type_, what="the edge type")
        check_key(target, what="the target id")
        if not self.spec.directed and target < source:
            source, target = target, source
        return EdgeKey(source, type_, target)

    async def _filter(self, filter_: FilterLike | None) -> Filter | None:
        capabilities = (await self._store.ready()).capabilities
        return checked_filter(filter_, capabilities, backend=self.backend, store=self.name)

    async def _rows(self, texts: list[bytes], kept: Sequence[int]) -> list[Sequence[int]]:
        limits = (await self._store.ready()).capabilities.limits
        for text in texts:
            self._store.check_size(len(text), limits.value_bytes, what="the properties")
        sizes = [len(texts[i]) for i in kept]
        parts = split(sizes, rows=limits.batch_rows, size=limits.batch_bytes)
        return [kept[part.start : part.stop] for part in parts]

    async def _parts(self, keys: list[K]) -> list[list[K]]:
        rows = (await self._store.ready()).capabilities.limits.batch_rows
        return [keys[i : i + rows] for i in range(0, len(keys), rows)]


def _types(types: Iterable[str] | None) -> list[str] | None:
    return None if types is None else sorted(set(check_keys(types, what="the edge type")))


def _at_least(minimum: int, **given: int) -> None:
    for name, value in given.items():
        if value < minimum:
            raise InvalidRecord(f"{name} must be at least {minimum}, not {value}")


def _check_labels(node: Node) -> tuple[str, ...]:
    return tuple(sorted(set(check_keys(node.labels, what=f"a label of node {node.id!r}"))))


def _encode(properties: object, what: str) -> bytes:
    what = f"the properties of {what}"
    return encode_json(json_object(properties, what=what), what=what)
