"""Graph stores: the handle that users hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from polystore.stores.columns import json_object, last_positions, pick, split
from polystore.stores.graph_reads import EdgeKeyLike, GraphReads
from polystore.types.batches import EdgeBatch, NodeBatch
from polystore.types.json_domain import encode_json
from polystore.types.names import check_key, check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.types.records import (
        Edge,
        EdgeKey,
        Node,
    )


class GraphStore(GraphReads):
    """A property multigraph: nodes keyed by id, edges keyed by (source, type, target).

    In an undirected graph (a, t, b) and (b, t, a) are one edge, which comes back with its ends in
    code point order, and every `direction` reads as "both". A self-loop counts once in each
    direction, so twice in a degree over "both".
    """

    __slots__ = ()

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
        asked = [self._key(key) for key in keys]
        return await self._delete_each(
            "delete_edges", asked, lambda d, part: d.delete_edges(self._call, part)
        )

    async def _rows(self, texts: list[bytes], kept: Sequence[int]) -> list[Sequence[int]]:
        limits = (await self._store.ready()).capabilities.limits
        for text in texts:
            self._store.check_size(len(text), limits.value_bytes, what="the properties")
        sizes = [len(texts[i]) for i in kept]
        parts = split(sizes, rows=limits.batch_rows, size=limits.batch_bytes)
        return [kept[part.start : part.stop] for part in parts]


def _check_labels(node: Node) -> tuple[str, ...]:
    return tuple(sorted(set(check_keys(node.labels, what=f"a label of node {node.id!r}"))))


def _encode(properties: object, what: str) -> bytes:
    what = f"the properties of {what}"
    return encode_json(json_object(properties, what=what), what=what)
