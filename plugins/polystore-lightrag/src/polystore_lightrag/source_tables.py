"""What LightRAG's tables call the fields of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from polystore_lightrag.source_rows import vector_row

if TYPE_CHECKING:
    from polystore.types.records import VectorRecord

KV_TABLES: Final = {
    "full_docs": "lightrag_doc_full",
    "text_chunks": "lightrag_doc_chunks",
    "llm_response_cache": "lightrag_llm_cache",
    "full_entities": "lightrag_full_entities",
    "full_relations": "lightrag_full_relations",
    "entity_chunks": "lightrag_entity_chunks",
    "relation_chunks": "lightrag_relation_chunks",
}
VECTOR_TABLES: Final = {
    "entities": "lightrag_vdb_entity",
    "relationships": "lightrag_vdb_relation",
    "chunks": "lightrag_vdb_chunks",
}
_RENAMED: Final[dict[str, dict[str, str]]] = {
    "full_docs": {"doc_name": "file_path"},
    "llm_response_cache": {"return_value": "return"},
    "relationships": {"source_id": "src_id", "target_id": "tgt_id"},
}
_KEYS: Final = frozenset(("workspace", "id"))
_SEPARATOR: Final = "<SEP>"
"""Between the chunks of an entity or relation, where they stand in one text."""


def kv_of(namespace: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a key-value row; columns that LightRAG left empty are no fields of it."""
    return {name: _seconds(value) for name, value in _fields(namespace, row).items()}


def status_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a document; its times are texts that sort."""
    return {name: _text(value) for name, value in _fields("doc_status", row).items()}


def vector_of(namespace: str, row: dict[str, Any]) -> VectorRecord:
    """Return a vector's record."""
    vector = np.asarray(row.pop("content_vector"), dtype=np.float32)
    fields = _fields(namespace, row)
    created = fields.pop("create_time", None)
    fields.pop("update_time", None)
    if "chunk_ids" in fields:
        fields["source_id"] = _SEPARATOR.join(fields.pop("chunk_ids"))
    fields["created_at"] = 0 if created is None else _seconds(created)
    return vector_row(row["id"], fields, vector)


def _fields(namespace: str, row: dict[str, Any]) -> dict[str, Any]:
    renamed = _RENAMED.get(namespace, {})
    return {
        renamed.get(name, name): value
        for name, value in row.items()
        if value is not None and name not in _KEYS
    }


def _seconds(value: Any) -> Any:
    # Rounded, as LightRAG has PostgreSQL do.
    return int(_utc(value).timestamp() + 0.5) if isinstance(value, datetime) else value


def _text(value: Any) -> Any:
    return _utc(value).isoformat() if isinstance(value, datetime) else value


def _utc(value: datetime) -> datetime:
    # LightRAG's columns have no time zone, and hold UTC.
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
