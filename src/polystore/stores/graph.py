"""Graph stores: the handle that users hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from polystore.errors import InvalidRecord
from polystore.stores.columns import json_objects
from polystore.stores.graph_reads import EdgeKeyLike, GraphReads
from polystore.types.batches import Decoded, EdgeBatch, NodeBatch
from polystore.types.json_domain import encode_each
from polystore.types.names import check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from polystore.types.call import Call
    from polystore.types.records import (
        Edge,
        Node,
    )


class GraphStore(GraphReads):
    """A property multigraph: nodes keyed by id, edges keyed by (source, type, target).

    In an undirected graph (a, t, b) and (b, t, a) are one edge, which comes back with its ends in
    code point order, and every `direction` reads as "both". A self-loop counts once in each
    direction, so twice in a degree over "both".
    """

    __slots__ = ()

    async def upsert_nodes(
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
        ids: list[str] = []
        labels = _LabelSets()

        def what(row: int) -> str:
            return f"the properties of node {ids[row]!r}"

        texts = encode_each(json_objects(_of_nodes(nodes, ids, labels), what), what)
        keys = check_keys(ids, what="the node id")
        batch = NodeBatch(keys, labels.sets, Decoded(texts), texts)
        await self._check_sizes(texts)
        if len(batch.ids) == 1:
            await self._write_one("upsert_node", batch, self._write_nodes)
        elif batch.ids:
            await self._write_nodes(self._call, batch, atomic=atomic, parallel=parallel)

    async def upsert_edges(
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
        if missing_endpoints not in {"create", "refuse"}:
            raise InvalidRecord(
                f"missing_endpoints is {missing_endpoints!r}", hint="Use create or refuse"
            )
        ends: tuple[list[str], list[str], list[str]] = ([], [], [])

        def what(row: int) -> str:
            return f"the properties of edge {tuple(column[row] for column in ends)!r}"

        texts = encode_each(json_objects(_of_edges(edges, *ends), what), what)
        batch = EdgeBatch(self._keys(*ends), Decoded(texts), texts)
        await self._check_sizes(texts)
        write = self._create_ends if missing_endpoints == "create" else self._refuse_ends
        if len(batch.keys) == 1:
            await self._write_one(f"upsert_edge:{missing_endpoints}", batch, write)
        elif batch.keys:
            await write(self._call, batch, atomic=atomic, parallel=parallel)

    async def delete_nodes(self, ids: str | Iterable[str], *, detach: bool = False) -> int:
        """Delete nodes; return how many were there.

        Args:
            ids: One id or several.
            detach: Delete their edges too; otherwise a node that has edges is refused.

        Raises:
            Conflict: A node has edges and `detach` is False; nothing of the chunk was deleted.
        """
        asked = check_keys([ids] if isinstance(ids, str) else ids, what="the node id")
        return await self._delete_each(
            "delete_nodes",
            asked,
            lambda d, part: d.delete_nodes(self._call, part, detach=detach),
        )

    async def delete_edges(self, keys: Iterable[EdgeKeyLike]) -> int:
        """Delete edges by (source, type, target); return how many were there. Nodes stay."""
        asked = self._edge_keys(keys)
        return await self._delete_each(
            "delete_edges", asked, lambda d, part: d.delete_edges(self._call, part)
        )

    async def _write_nodes(
        self, call: Call, batch: NodeBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        await self._write_batch(
            "upsert_nodes",
            call,
            batch,
            batch.ids,
            [len(text) for text in batch.properties_json],
            lambda d, call, part: d.upsert_nodes(call, part),
            atomic=atomic,
            parallel=parallel,
        )

    async def _create_ends(
        self, call: Call, batch: EdgeBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        await self._write_edges(call, batch, create=True, atomic=atomic, parallel=parallel)

    async def _refuse_ends(
        self, call: Call, batch: EdgeBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        await self._write_edges(call, batch, create=False, atomic=atomic, parallel=parallel)

    async def _write_edges(
        self, call: Call, batch: EdgeBatch, *, create: bool, atomic: bool, parallel: int
    ) -> None:
        await self._write_batch(
            "upsert_edges",
            call,
            batch,
            batch.keys,
            [len(text) for text in batch.properties_json],
            lambda d, call, part: d.upsert_edges(call, part, create_missing=create),
            atomic=atomic,
            parallel=parallel,
        )

    async def _check_sizes(self, texts: list[bytes]) -> None:
        limit = (await self._store.ready()).capabilities.limits.value_bytes
        self._store.check_sizes(texts, limit, what="the properties")


class _LabelSets:
    """The labels of node after node, sorted and distinct; most have the same few sets of them."""

    def __init__(self) -> None:
        self.sets: list[tuple[str, ...]] = []
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, node: Node) -> None:
        """Take up the labels of `node`."""
        given = node.labels
        try:
            known = self._known.get(given)
        except TypeError:  # a list, or no text among them, which is told below
            known = None
        if known is None:
            checked = check_keys(given, what=f"a label of node {node.id!r}")
            known = tuple(sorted(set(checked)))
            if type(given) is tuple:
                self._known[given] = known
        self.sets.append(known)


def _of_nodes(nodes: Iterable[Node], ids: list[str], labels: _LabelSets) -> Iterator[Any]:
    """Yield the properties of each node, when its id and labels have been taken up."""
    for node in nodes:
        ids.append(node.id)
        labels.add(node)
        yield node.properties


def _of_edges(
    edges: Iterable[Edge], sources: list[str], types: list[str], targets: list[str]
) -> Iterator[Any]:
    """Yield the properties of each edge, when its key has been taken up."""
    for edge in edges:
        sources.append(edge.source)
        types.append(edge.type)
        targets.append(edge.target)
        yield edge.properties
