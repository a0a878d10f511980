"""The driver of graph stores: what a backend's author implements."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.errors import UnsupportedError
from polystore.stores import graph_walks as walks
from polystore.stores.driver import Driver
from polystore.stores.queries import FindQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import Filter
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore.types.records import (
        Edge,
        EdgeKey,
        GraphCounts,
        GraphPath,
        LabelMatch,
        Node,
        NodeDegree,
        Page,
        Subgraph,
    )

_READ_ROWS = 500


class GraphDriver(Driver):
    """What a backend's author implements to serve graph stores.

    In an undirected graph the core orders the ends of every edge (source <= target) before a hook
    sees it, and `direction` is always "both". A self-loop counts once in each direction, so twice
    in "both", and stands once in a list of edges.
    """

    directed: bool

    @abstractmethod
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        """Store the nodes, replacing labels and properties; edges stay."""

    @abstractmethod
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        """Store the edges, replacing properties.

        Args:
            call: The call.
            batch: Distinct edges.
            create_missing: Create absent end nodes (without labels and properties); otherwise
                raise Conflict naming them and store nothing.
        """

    @abstractmethod
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        """Return the node of each of the distinct `ids`, None where there is none."""

    @abstractmethod
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        """Return the edge of each of the distinct `keys`, None where there is none."""

    @abstractmethod
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        """Delete the distinct `ids`; return how many were there.

        With `detach` their edges go too; otherwise a node with edges raises Conflict and nothing
        is deleted.
        """

    @abstractmethod
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        """Delete the distinct `keys`; return how many were there. Nodes stay."""

    @abstractmethod
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        """Return, for each of the distinct `ids`, its edges in order of key; [] where it is absent.

        `out` are those it is the source of, `in` those it is the target of. `types` restricts
        them; None takes all.
        """

    @abstractmethod
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        """Return the nodes that `query` asks for, by id; its `sort` is empty."""

    @abstractmethod
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        """Return up to `limit` edges from the driver's own `cursor` on, each exactly once."""

    @abstractmethod
    async def counts(self, call: Call) -> GraphCounts:
        """Return how many nodes and edges the workspace has."""

    @override
    async def count(self, call: Call) -> int:
        """Return how many nodes the workspace has."""
        return (await self.counts(call)).nodes

    async def count_nodes(self, call: Call, filter_: Filter | None) -> int:
        """Return how many nodes match."""
        if filter_ is None:
            return (await self.counts(call)).nodes
        total = 0
        after: tuple[tuple[bytes, ...], str] | None = None
        while True:
            found = await self.find_nodes(call, FindQuery(filter_, (), _READ_ROWS, after))
            total += len(found)
            if len(found) < _READ_ROWS:
                return total
            after = ((), found[-1].id)

    async def neighbors(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[str]]:
        """Return, for each of the distinct `ids`, in order the distinct ids its edges lead to."""
        return await walks.neighbors(self, call, ids, direction, types)

    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        """Return the degree of each of the distinct `ids`; 0 where it is absent."""
        return await walks.degrees(self, call, ids, direction)

    async def top_nodes(self, call: Call, k: int, direction: Direction) -> list[NodeDegree]:
        """Return the `k` nodes of highest degree, ties by id ascending."""
        return await walks.top_nodes(self, call, k, direction)

    async def edges_among(self, call: Call, ids: list[str]) -> list[Edge]:
        """Return, in order of key, every edge both of whose ends are among the distinct `ids`."""
        return await walks.edges_among(self, call, ids)

    async def subgraph(
        self,
        call: Call,
        seeds: list[str],
        depth: int,
        max_nodes: int,
        direction: Direction,
        types: list[str] | None,
    ) -> Subgraph:
        """Return the surroundings of the distinct `seeds`; see `GraphStore.subgraph`."""
        return await walks.subgraph(self, call, seeds, depth, max_nodes, direction, types)

    async def shortest_path(
        self,
        call: Call,
        source: str,
        target: str,
        max_depth: int,
        direction: Direction,
        types: Sequence[str] | None,
    ) -> GraphPath | None:
        """Return a shortest path; see `GraphStore.shortest_path`."""
        return await walks.shortest_path(
            self, call, source, target, max_depth, direction, None if types is None else list(types)
        )

    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:  # noqa: ARG002
        """Return the nodes whose id is most like `text`; see `GraphStore.search_labels`."""
        raise UnsupportedError("this backend has no label search")
