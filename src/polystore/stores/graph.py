"""Graph stores: the handle that users hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from polystore.errors import InvalidRecord
from polystore.stores.columns import json_object
from polystore.stores.graph_reads import EdgeKeyLike, GraphReads
from polystore.types.batches import Decoded, EdgeBatch, NodeBatch
from polystore.types.json_domain import encode_json
from polystore.types.names import check_key, check_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

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

    async def upsert_nodes(self, nodes: Iterable[Node], *, atomic: bool = False) -> None:
        """Store nodes, replacing labels and properties; edges stay. Of equal ids the last wins.

        Args:
            nodes: What to store.
            atomic: All or nothing however many there are, or UnsupportedError.

        Raises:
            InvalidRecord: An id, label or property lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        texts: list[bytes] = []
        batch = NodeBatch([], [], Decoded(texts), texts)
        for node in nodes:
            batch.ids.append(check_key(node.id, what="the node id"))
            batch.labels.append(_check_labels(node))
            what = f"the properties of node {node.id!r}"
            texts.append(encode_json(json_object(node.properties, what=what), what=what))
        await self._check_sizes(batch.properties_json)
        if len(batch.ids) == 1:
            await self._write_one("upsert_node", batch, self._write_nodes)
        elif batch.ids:
            await self._write_nodes(self._call, batch, atomic=atomic)

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
        if missing_endpoints not in {"create", "refuse"}:
            raise InvalidRecord(
                f"missing_endpoints is {missing_endpoints!r}", hint="Use create or refuse"
            )
        texts: list[bytes] = []
        batch = EdgeBatch([], Decoded(texts), texts)
        for edge in edges:
            batch.keys.append(self._key(edge.key))
            what = f"the properties of edge {tuple(edge.key)!r}"
            texts.append(encode_json(json_object(edge.properties, what=what), what=what))
        await self._check_sizes(batch.properties_json)
        write = self._create_ends if missing_endpoints == "create" else self._refuse_ends
        if len(batch.keys) == 1:
            await self._write_one(f"upsert_edge:{missing_endpoints}", batch, write)
        elif batch.keys:
            await write(self._call, batch, atomic=atomic)

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

    async def _write_nodes(self, call: Call, batch: NodeBatch, *, atomic: bool = False) -> None:
        await self._write_batch(
            "upsert_nodes",
            call,
            batch,
            batch.ids,
            [len(text) for text in batch.properties_json],
            lambda d, call, part: d.upsert_nodes(call, part),
            atomic=atomic,
        )

    async def _create_ends(self, call: Call, batch: EdgeBatch, *, atomic: bool = False) -> None:
        await self._write_edges(call, batch, create=True, atomic=atomic)

    async def _refuse_ends(self, call: Call, batch: EdgeBatch, *, atomic: bool = False) -> None:
        await self._write_edges(call, batch, create=False, atomic=atomic)

    async def _write_edges(
        self, call: Call, batch: EdgeBatch, *, create: bool, atomic: bool
    ) -> None:
        await self._write_batch(
            "upsert_edges",
            call,
            batch,
            batch.keys,
            [len(text) for text in batch.properties_json],
            lambda d, call, part: d.upsert_edges(call, part, create_missing=create),
            atomic=atomic,
        )

    async def _check_sizes(self, texts: list[bytes]) -> None:
        limit = (await self._store.ready()).capabilities.limits.value_bytes
        for text in texts:
            self._store.check_size(len(text), limit, what="the properties")


def _check_labels(node: Node) -> tuple[str, ...]:
    return tuple(sorted(set(check_keys(node.labels, what=f"a label of node {node.id!r}"))))
