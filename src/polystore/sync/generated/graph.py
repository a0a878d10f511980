"""Graph stores: the handle that users hold.

For synchronous callers: generated from polystore.stores.graph by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from typing_extensions import override

from polystore.stores.graph import GraphStore as AsyncGraphStore
from polystore.sync.generated.handle import Handle
from polystore.sync.portal import settled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from polystore.specs import GraphSpec
    from polystore.stores.filtering import FilterLike
    from polystore.stores.graph_reads import EdgeKeyLike
    from polystore.types.batches import Direction
    from polystore.types.records import (
        Edge,
        GraphCounts,
        GraphPath,
        LabelMatch,
        Node,
        NodeDegree,
        Page,
        Subgraph,
    )
    from polystore.types.reports import Explanation


class GraphStore(Handle[AsyncGraphStore]):
    """A property multigraph: nodes keyed by id, edges keyed by (source, type, target).

    In an undirected graph (a, t, b) and (b, t, a) are one edge, which comes back with its ends in
    code point order, and every `direction` reads as "both". A self-loop counts once in each
    direction, so twice in a degree over "both".
    """

    @property
    @override
    def spec(self) -> GraphSpec:
        """What was declared."""
        return self._wrapped.spec

    def get_node(self, id: str) -> Node | None:
        """Return a node, or None if it is absent."""
        return self._portal.call(self._wrapped.get_node, id)

    def get_nodes(self, ids: Iterable[str]) -> list[Node | None]:
        """Return the node of each id, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_nodes, settled(ids))

    def get_edge(self, source: str, type: str, target: str) -> Edge | None:
        """Return an edge, or None if it is absent."""
        return self._portal.call(self._wrapped.get_edge, source, type, target)

    def get_edges(self, keys: Iterable[EdgeKeyLike]) -> list[Edge | None]:
        """Return the edge of each (source, type, target), in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_edges, settled(keys))

    def edges_of(
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
        return self._portal.call(
            self._wrapped.edges_of, settled(ids), direction=direction, types=settled(types)
        )

    def neighbors(
        self, id: str, *, direction: Direction = "both", types: Iterable[str] | None = None
    ) -> list[str]:
        """Return the distinct ids that one edge leads to from `id`, in order."""
        return self._portal.call(
            self._wrapped.neighbors, id, direction=direction, types=settled(types)
        )

    def neighbors_many(
        self,
        ids: Iterable[str],
        *,
        direction: Direction = "both",
        types: Iterable[str] | None = None,
    ) -> list[list[str]]:
        """Return the neighbours of each id, as `neighbors`, all in one round trip."""
        return self._portal.call(
            self._wrapped.neighbors_many, settled(ids), direction=direction, types=settled(types)
        )

    def degrees(self, ids: Iterable[str], *, direction: Direction = "both") -> list[int]:
        """Return the degree of each id, in order; 0 where it is absent."""
        return self._portal.call(self._wrapped.degrees, settled(ids), direction=direction)

    def top_nodes(self, k: int = 10, *, direction: Direction = "both") -> list[NodeDegree]:
        """Return the `k` nodes of highest degree, ties by id."""
        return self._portal.call(self._wrapped.top_nodes, k, direction=direction)

    def subgraph(
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
        return self._portal.call(
            self._wrapped.subgraph,
            settled(seeds),
            depth=depth,
            max_nodes=max_nodes,
            direction=direction,
            types=settled(types),
        )

    def shortest_path(
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
        return self._portal.call(
            self._wrapped.shortest_path,
            source,
            target,
            max_depth=max_depth,
            direction=direction,
            types=settled(types),
        )

    def find_nodes(
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
        return self._portal.call(
            self._wrapped.find_nodes, filter, limit=limit, cursor=cursor, total=total
        )

    def search_labels(self, text: str, *, limit: int = 10) -> list[LabelMatch]:
        """Return nodes whose id (their label, for people) is like `text`, the best first.

        In any letter case: equal ids, then ids that begin with `text`, then ids that contain it,
        each by id; where `fuzzy_labels` is declared, then ids with typing errors in them.

        Raises:
            UnsupportedError: The backend does not declare `label_search`.
        """
        return self._portal.call(self._wrapped.search_labels, text, limit=limit)

    def scan_nodes(self, filter: FilterLike | None = None, *, batch: int = 500) -> Generator[Node]:
        """Yield every node that matches, by id, reading `batch` at a time."""
        return self._portal.iterate(self._wrapped.scan_nodes(filter, batch=batch), batch)

    def scan_edges(self, *, batch: int = 500) -> Generator[Edge]:
        """Yield every edge, by key where `ordered_scan` is declared, reading `batch` at a time."""
        return self._portal.iterate(self._wrapped.scan_edges(batch=batch), batch)

    def count(self) -> GraphCounts:
        """Return how many nodes and edges this workspace has."""
        return self._portal.call(self._wrapped.count)

    def count_nodes(self, filter: FilterLike | None = None) -> int:
        """Return how many nodes match."""
        return self._portal.call(self._wrapped.count_nodes, filter)

    def explain(self, filter: FilterLike | None = None, *, limit: int = 100) -> Explanation:
        """Return how `find_nodes` with these arguments would be carried out."""
        return self._portal.call(self._wrapped.explain, filter, limit=limit)

    def upsert_nodes(
        self, nodes: Iterable[Node], *, atomic: bool = False, parallel: int = 1
    ) -> None:
        """Store nodes, replacing labels and properties; edges stay. Of equal ids the last wins.

        Args:
            nodes: What to store.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            InvalidRecord: An id, label or property lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        return self._portal.call(
            self._wrapped.upsert_nodes, settled(nodes), atomic=atomic, parallel=parallel
        )

    def upsert_edges(
        self,
        edges: Iterable[Edge],
        *,
        missing_endpoints: Literal["create", "refuse"] = "create",
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store edges, replacing properties. Of equal keys the last wins.

        Args:
            edges: What to store.
            missing_endpoints: `create` makes absent end nodes, without labels and properties;
                `refuse` raises Conflict and stores nothing of the chunk.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            Conflict: An end node is absent and `missing_endpoints` is `refuse`.
            InvalidRecord: A key or property lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        return self._portal.call(
            self._wrapped.upsert_edges,
            settled(edges),
            missing_endpoints=missing_endpoints,
            atomic=atomic,
            parallel=parallel,
        )

    def delete_nodes(self, ids: str | Iterable[str], *, detach: bool = False) -> int:
        """Delete nodes; return how many were there.

        Args:
            ids: One id or several.
            detach: Delete their edges too; otherwise a node that has edges is refused.

        Raises:
            Conflict: A node has edges and `detach` is False; nothing of the chunk was deleted.
        """
        return self._portal.call(self._wrapped.delete_nodes, settled(ids), detach=detach)

    def delete_edges(self, keys: Iterable[EdgeKeyLike]) -> int:
        """Delete edges by (source, type, target); return how many were there. Nodes stay."""
        return self._portal.call(self._wrapped.delete_edges, settled(keys))
