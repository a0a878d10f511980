"""LightRAG's graph storage: an undirected graph with one edge between two nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lightrag.base import BaseGraphStorage
from lightrag.types import KnowledgeGraph, KnowledgeGraphEdge, KnowledgeGraphNode
from typing_extensions import override

from polystore.types.records import Edge, EdgeKey, Node
from polystore_lightrag import stores
from polystore_lightrag.base import PolystoreStorage
from polystore_lightrag.graph_rows import (
    EDGE_TYPE,
    edge_key,
    edge_properties,
    ends_of,
    joined,
    new_edge,
    new_node,
    node_name,
    node_properties,
)
from polystore_lightrag.keys import is_short, stored_key
from polystore_lightrag.labels import ranked
from polystore_lightrag.merging import MergingWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Stores
    from polystore.stores.graph import GraphStore
    from polystore.types.records import Subgraph

_MAX_GRAPH_NODES = 1000
_ALL_LABELS = 1_000_000


class PolystoreGraphStorage(PolystoreStorage, BaseGraphStorage):
    """Entities and their relations. Writing merges into the properties that are there."""

    ARGUMENT: ClassVar[str] = "graph_storage"
    _store: GraphStore | None = None
    _nodes: MergingWriter[str]
    _edges: MergingWriter[EdgeKey]

    @override
    async def _bind(self, opened: Stores) -> None:
        self._store = opened.graph(stores.store_name(self.namespace))
        self._nodes = MergingWriter(self._read_nodes, self._write_nodes)
        self._edges = MergingWriter(self._read_edges, self._write_edges)

    @property
    def _graph(self) -> GraphStore:
        if self._store is None or self._lease is None:
            raise self._uninitialized()
        return self._store

    @override
    async def has_node(self, node_id: str) -> bool:
        """Whether there is such a node."""
        return await self._graph.get_node(stored_key(node_id)) is not None

    @override
    async def has_nodes_batch(self, node_ids: list[str]) -> set[str]:
        """Return those of the nodes that there are."""
        return set(await self.get_nodes_batch(node_ids))

    @override
    async def has_edge(self, source_node_id: str, target_node_id: str) -> bool:
        """Whether the two nodes are joined."""
        return await self.get_edge(source_node_id, target_node_id) is not None

    @override
    async def node_degree(self, node_id: str) -> int:
        """Return how many edges a node has; one to itself counts twice."""
        return (await self._graph.degrees([stored_key(node_id)]))[0]

    @override
    async def node_degrees_batch(self, node_ids: list[str]) -> dict[str, int]:
        """Return the degree of each node, 0 where there is none."""
        degrees = await self._graph.degrees([stored_key(id_) for id_ in node_ids])
        return dict(zip(node_ids, degrees, strict=True))

    @override
    async def edge_degree(self, src_id: str, tgt_id: str) -> int:
        """Return the degrees of both ends together."""
        return sum(await self._graph.degrees([stored_key(src_id), stored_key(tgt_id)]))

    @override
    async def edge_degrees_batch(
        self, edge_pairs: list[tuple[str, str]]
    ) -> dict[tuple[str, str], int]:
        """Return the degrees of both ends of each edge together."""
        ends = list(dict.fromkeys(end for pair in edge_pairs for end in pair))
        degrees = await self.node_degrees_batch(ends)
        return {
            (source, target): degrees[source] + degrees[target] for source, target in edge_pairs
        }

    @override
    async def get_node(self, node_id: str) -> dict[str, str] | None:
        """Return the properties of a node, or None, which means that there is none."""
        node = await self._graph.get_node(stored_key(node_id))
        return None if node is None else node_properties(node)

    @override
    async def get_nodes_batch(self, node_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the properties of those of the nodes that there are."""
        nodes = await self._graph.get_nodes([stored_key(id_) for id_ in node_ids])
        return {
            id_: node_properties(node)
            for id_, node in zip(node_ids, nodes, strict=True)
            if node is not None
        }

    @override
    async def get_edge(self, source_node_id: str, target_node_id: str) -> dict[str, str] | None:
        """Return the properties of an edge, or None, which means that there is none."""
        edge = await self._graph.get_edge(*edge_key(source_node_id, target_node_id))
        return None if edge is None else edge_properties(edge)

    @override
    async def get_edges_batch(
        self, pairs: list[dict[str, str]]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the properties of those of the edges that there are."""
        ends = [(pair["src"], pair["tgt"]) for pair in pairs]
        edges = await self._graph.get_edges([edge_key(*pair) for pair in ends])
        return {
            pair: edge_properties(edge)
            for pair, edge in zip(ends, edges, strict=True)
            if edge is not None
        }

    @override
    async def get_node_edges(self, source_node_id: str) -> list[tuple[str, str]] | None:
        """Return the edges of a node as (it, the other one); None if there is no such node."""
        found = (await self.get_nodes_edges_batch([source_node_id]))[source_node_id]
        return found or (None if not await self.has_node(source_node_id) else [])

    @override
    async def get_nodes_edges_batch(self, node_ids: list[str]) -> dict[str, list[tuple[str, str]]]:
        """Return the edges of each node as (it, the other one)."""
        found = await self._graph.edges_of([stored_key(id_) for id_ in node_ids])
        return {
            id_: [(id_, _other(id_, edge)) for edge in edges]
            for id_, edges in zip(node_ids, found, strict=True)
        }

    @override
    async def upsert_node(self, node_id: str, node_data: dict[str, str]) -> None:
        """Merge properties into a node, which is made if there is none."""
        await self.upsert_nodes_batch([(node_id, node_data)])

    @override
    async def upsert_nodes_batch(self, nodes: list[tuple[str, dict[str, str]]]) -> None:
        """Merge properties into nodes; those that there are not yet are made."""
        rows = [(stored_key(id_), new_node(id_, data)) for id_, data in nodes]
        if rows:
            self._graph  # noqa: B018  says so if it is not initialized
            await self._nodes.merge(rows)

    @override
    async def upsert_edge(
        self, source_node_id: str, target_node_id: str, edge_data: dict[str, str]
    ) -> None:
        """Merge properties into an edge, which is made, with its ends, if there is none."""
        await self.upsert_edges_batch([(source_node_id, target_node_id, edge_data)])

    @override
    async def upsert_edges_batch(self, edges: list[tuple[str, str, dict[str, str]]]) -> None:
        """Merge properties into edges; those that there are not yet are made, with their ends."""
        if not edges:
            return
        self._graph  # noqa: B018  says so if it is not initialized
        keys = {end: stored_key(end) for edge in edges for end in edge[:2]}
        long_names = [end for end, key in keys.items() if key != end]
        if long_names:
            # An end that the graph makes by itself would not know its name.
            await self._nodes.merge([(keys[end], new_node(end, {})) for end in long_names])
            edges = [(source, target, new_edge(source, target, d)) for source, target, d in edges]
        await self._edges.merge(
            [(joined(keys[source], keys[target]), data) for source, target, data in edges]
        )

    @override
    async def delete_node(self, node_id: str) -> None:
        """Delete a node and its edges."""
        await self.remove_nodes([node_id])

    @override
    async def remove_nodes(self, nodes: list[str]) -> None:
        """Delete nodes and their edges; absent ones are passed over."""
        await self._graph.delete_nodes([stored_key(id_) for id_ in nodes], detach=True)

    @override
    async def remove_edges(self, edges: list[tuple[str, str]]) -> None:
        """Delete edges; absent ones are passed over."""
        await self._graph.delete_edges([edge_key(source, target) for source, target in edges])

    @override
    async def get_all_labels(self) -> list[str]:
        """Return the names of all nodes, in order."""
        return sorted([node_name(node) async for node in self._graph.scan_nodes()])

    @override
    async def get_all_nodes(self) -> list[dict[str, Any]]:
        """Return the properties of all nodes, each with its name as `id`."""
        scan = self._graph.scan_nodes()
        return [{**node_properties(node), "id": node_name(node)} async for node in scan]

    @override
    async def get_all_edges(self) -> list[dict[str, Any]]:
        """Return the properties of all edges, each with its ends as `source` and `target`."""
        found: list[dict[str, Any]] = []
        async for edge in self._graph.scan_edges():
            source, target = ends_of(edge)
            found.append({**edge_properties(edge), "source": source, "target": target})
        return found

    @override
    async def get_popular_labels(self, limit: int = 300) -> list[str]:
        """Return the names of the nodes of highest degree, ties by name."""
        if limit < 1:
            return []
        return await self._names([node.id for node in await self._graph.top_nodes(limit)])

    @override
    async def search_labels(self, query: str, limit: int = 50) -> list[str]:
        """Return the names that contain `query` in any letter case, in LightRAG's order."""
        text = query.strip()
        if not text or limit < 1:
            return []
        matches = await self._graph.search_labels(text, limit=_ALL_LABELS)
        names = await self._names([match.id for match in matches])
        return ranked(names, text)[:limit]

    @override
    async def get_knowledge_graph(
        self, node_label: str, max_depth: int = 3, max_nodes: int | None = None
    ) -> KnowledgeGraph:
        """Return what surrounds a node, the nodes of highest degree first; `*` takes all."""
        most = int(self.global_config.get("max_graph_nodes", _MAX_GRAPH_NODES))
        limit = most if max_nodes is None else min(max_nodes, most)
        if node_label != "*":
            seed = stored_key(node_label)
            found = await self._graph.subgraph(seed, depth=max_depth, max_nodes=limit)
            return _knowledge_graph(found, is_truncated=found.truncated)
        top = await self._graph.top_nodes(limit + 1)
        seeds = [node.id for node in top[:limit]]
        found = await self._graph.subgraph(seeds, depth=0, max_nodes=limit)
        return _knowledge_graph(found, is_truncated=len(top) > limit)

    @override
    async def _clear(self) -> None:
        await self._graph.clear()

    async def _names(self, keys: list[str]) -> list[str]:
        """Return the name of each stored key."""
        long_ones = [key for key in keys if not is_short(key)]
        if not long_ones:
            return keys
        nodes = await self._graph.get_nodes(long_ones)
        names = {node.id: node_name(node) for node in nodes if node is not None}
        return [names.get(key, key) for key in keys]

    async def _read_nodes(self, keys: list[str]) -> list[Mapping[str, Any] | None]:
        nodes = await self._graph.get_nodes(keys)
        return [None if node is None else node.properties for node in nodes]

    async def _write_nodes(self, rows: Mapping[str, dict[str, Any]]) -> None:
        await self._graph.upsert_nodes(Node(key, (), data) for key, data in rows.items())

    async def _read_edges(self, keys: list[EdgeKey]) -> list[Mapping[str, Any] | None]:
        edges = await self._graph.get_edges(keys)
        return [None if edge is None else edge.properties for edge in edges]

    async def _write_edges(self, rows: Mapping[EdgeKey, dict[str, Any]]) -> None:
        await self._graph.upsert_edges(
            Edge(key.source, EDGE_TYPE, key.target, data) for key, data in rows.items()
        )


def _other(name: str, edge: Edge) -> str:
    source, target = ends_of(edge)
    return target if source == name else source


def _knowledge_graph(found: Subgraph, *, is_truncated: bool) -> KnowledgeGraph:
    graph = KnowledgeGraph(is_truncated=is_truncated)
    for node in found.nodes:
        name = node_name(node)
        properties = node_properties(node)
        graph.nodes.append(KnowledgeGraphNode(id=name, labels=[name], properties=properties))
    for edge in found.edges:
        source, target = sorted(ends_of(edge))
        graph.edges.append(
            KnowledgeGraphEdge(
                id=f"{source}-{target}",
                type="DIRECTED",
                source=source,
                target=target,
                properties=edge_properties(edge),
            )
        )
    return graph
