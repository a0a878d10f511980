"""LightRAG's own deployments, and how they are migrated."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import asyncpg
from lightrag_models import TEXTS

import polystore
from polystore.migration.migrate import Migration
from polystore_lightrag.source import LightRAGSource

if TYPE_CHECKING:
    from pathlib import Path

    from lightrag import LightRAG

MODEL = {"embedding_model": "word-counts"}
POSTGRES = {
    "kv_storage": "PGKVStorage",
    "vector_storage": "PGVectorStorage",
    "graph_storage": "PGTableGraphStorage",
    "doc_status_storage": "PGDocStatusStorage",
}


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in files}


async def rows_of(rag: LightRAG) -> dict[str, Any]:
    """Return what LightRAG reads of everything, by storage."""
    storage: Any = rag
    documents = sorted(TEXTS)
    states = await storage.doc_status.get_by_ids(documents)
    chunks = [chunk for state in states for chunk in state["chunks_list"]]
    entities = await storage.full_entities.get_by_ids(documents)
    names = sorted({name for row in entities for name in row["entity_names"]})
    found = {
        "states": states,
        "full_docs": await storage.full_docs.get_by_ids(documents),
        "text_chunks": await storage.text_chunks.get_by_ids(chunks),
        "full_entities": entities,
        "full_relations": await storage.full_relations.get_by_ids(documents),
        "entity_chunks": await storage.entity_chunks.get_by_ids(names),
        "llm": await storage.llm_response_cache.get_by_ids(
            [
                key
                for row in await storage.text_chunks.get_by_ids(chunks)
                for key in row["llm_cache_list"]
            ]
        ),
    }
    for rows in found.values():
        assert all(rows), rows
        for row in rows:
            # LightRAG forgets when a row was made once it is replaced; a row that is imported
            # without a time gets one.
            row.pop("create_time", None)
    return found


async def migrate(location: Any, config: Any, state: Path, **more: Any) -> Any:
    options = more.pop("options", MODEL)
    async with (
        LightRAGSource(str(location), options) as source,
        polystore.open(config, stores=source.specs()) as client,
    ):
        return await Migration(source, client, state, **more).run()


async def dump(dsn: str) -> str:
    connection: Any = await asyncpg.connect(dsn)
    names = await connection.fetch("select tablename from pg_tables where tablename ~ '^lightrag'")
    found = {
        name: [
            str(row) for row in await connection.fetch(f'select t::text from "{name}" t order by 1')
        ]
        for [name] in names
    }
    await connection.close()
    return json.dumps(found, sort_keys=True)
