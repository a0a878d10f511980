"""LightRAG's rows, from wherever they are, as the storages of this package write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from polystore.types.records import Document, Edge, KVEntry, Node, VectorRecord
from polystore_lightrag import stores
from polystore_lightrag.graph_rows import EDGE_TYPE, edge_key, new_edge, new_node
from polystore_lightrag.keys import is_short, namespace_prefix, stored_key
from polystore_lightrag.status_rows import stored_row
from polystore_lightrag.vector import ID_FIELD, TEXT_FIELD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy import float32
    from numpy.typing import NDArray

_NANO_OWN: Final = frozenset(("__id__", "__created_at__", "__write_seq__", "vector", "__vector__"))


def kv_store(namespace: str) -> tuple[str, str]:
    """Return the store that takes a namespace, and what its keys begin with there."""
    if namespace in stores.KV_NAMESPACES:
        return stores.store_name(namespace), ""
    return stores.OTHER, namespace_prefix(namespace)


def kv_row(namespace: str, id_: str, value: object) -> KVEntry:
    """Return a key-value row; its times stay what they are."""
    _, prefix = kv_store(namespace)
    if isinstance(value, dict):
        kept = cast("dict[str, Any]", value)
        value = {name: part for name, part in kept.items() if name != "_id"}
    return KVEntry(stored_key(prefix + id_), value)


def status_row(id_: str, row: Mapping[str, Any]) -> Document:
    """Return the state of a document."""
    return Document(stored_key(id_), stored_row(id_, row))


def vector_row(id_: str, fields: Mapping[str, Any], vector: NDArray[float32]) -> VectorRecord:
    """Return a record; `fields` has its text, its metadata, and what NanoVectorDB adds."""
    metadata = {
        name: value
        for name, value in fields.items()
        if name not in _NANO_OWN and name != TEXT_FIELD
    }
    metadata.setdefault("created_at", fields.get("__created_at__", 0))
    if not is_short(id_):
        metadata[ID_FIELD] = id_
    return VectorRecord(stored_key(id_), vector, fields.get(TEXT_FIELD) or "", metadata)


def node_row(name: str, properties: dict[str, Any]) -> Node:
    """Return an entity."""
    return Node(stored_key(name), (), new_node(name, properties))


def edge_row(source: str, target: str, properties: dict[str, Any]) -> Edge:
    """Return a relation."""
    key = edge_key(source, target)
    return Edge(key.source, EDGE_TYPE, key.target, new_edge(source, target, properties))
