"""LightRAG's namespaces as polystore stores: names, declared fields and indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.specs import DocSpec, GraphSpec, KVSpec, VectorSpec

if TYPE_CHECKING:
    from polystore.specs import FieldType, StoreSpec

PREFIX: Final = "lightrag_"
KV_NAMESPACES: Final = (
    "full_docs",
    "text_chunks",
    "llm_response_cache",
    "full_entities",
    "full_relations",
    "entity_chunks",
    "relation_chunks",
)
OTHER: Final = f"{PREFIX}other"
"""Keeps the namespaces that LightRAG or RAG-Anything invent, such as `parse_cache`."""
VECTOR_FIELDS: Final[dict[str, dict[str, FieldType]]] = {
    "entities": {"entity_name": "string"},
    "relationships": {"src_id": "string", "tgt_id": "string"},
    "chunks": {"full_doc_id": "string"},
}
GRAPH_NAMESPACE: Final = "chunk_entity_relation"
DOC_STATUS_NAMESPACE: Final = "doc_status"
FILE_PATH_ORDER: Final = "polystore_file_path_order"
"""A field beside a document's own: what LightRAG sorts file paths by."""
DOC_STATUS_INDEXES: Final = (
    ("status", "created_at"),
    ("status", "updated_at"),
    ("created_at",),
    ("updated_at",),
    ("track_id",),
    ("file_path",),
    ("content_hash", "created_at"),
    (FILE_PATH_ORDER,),
)


def store_name(namespace: str) -> str:
    """Return the name of the store that keeps a namespace of its own."""
    return f"{PREFIX}{namespace}"


def kv_specs() -> list[StoreSpec]:
    """Return the key-value stores."""
    names = [*map(store_name, KV_NAMESPACES), OTHER]
    return [KVSpec(name=name) for name in names]


def vector_specs(dimensions: int, embedding_model: str | None) -> list[StoreSpec]:
    """Return the vector stores, for vectors of one embedding model."""
    return [
        VectorSpec(
            name=store_name(namespace),
            dimensions=dimensions,
            metric="cosine",
            embedding_model=embedding_model,
            fields=fields,
        )
        for namespace, fields in VECTOR_FIELDS.items()
    ]


def graph_specs() -> list[StoreSpec]:
    """Return the graph store."""
    return [GraphSpec(name=store_name(GRAPH_NAMESPACE), directed=False)]


def doc_specs() -> list[StoreSpec]:
    """Return the store of the documents' states."""
    name = store_name(DOC_STATUS_NAMESPACE)
    return [DocSpec(name=name, indexes=DOC_STATUS_INDEXES)]


def all_specs(dimensions: int, embedding_model: str | None) -> list[StoreSpec]:
    """Return every store that LightRAG needs."""
    vectors = vector_specs(dimensions, embedding_model)
    return [*kv_specs(), *vectors, *graph_specs(), *doc_specs()]
