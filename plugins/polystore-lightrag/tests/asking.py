"""Filling an instance of LightRAG, and asking it everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightrag import QueryParam
from lightrag_models import QUESTIONS, TEXTS

if TYPE_CHECKING:
    from lightrag import LightRAG

MODES = ("naive", "local", "global", "hybrid", "mix")


async def read(rag: LightRAG) -> None:
    """Insert one document after the other: what is merged stands in the order in which it came."""
    for id_, text in TEXTS.items():
        await rag.ainsert(text, ids=id_, file_paths=f"{id_}.txt")
    counts = await rag.doc_status.get_status_counts()
    assert counts["processed"] == len(TEXTS), counts


async def retrieved(rag: LightRAG) -> dict[tuple[str, str], Any]:
    """Return what each question finds in each mode: entities, relations, chunks, references."""
    found: dict[tuple[str, str], Any] = {}
    for mode in MODES:
        for question in QUESTIONS:
            data = (await rag.aquery_data(question, QueryParam(mode=mode)))["data"]
            found[mode, question] = {
                "entities": sorted((e["entity_name"], e["description"]) for e in data["entities"]),
                "relations": sorted(
                    (*sorted((r["src_id"], r["tgt_id"])), r["description"], r["weight"])
                    for r in data["relationships"]
                ),
                "chunks": sorted((c["chunk_id"], c["content"]) for c in data["chunks"]),
                "references": sorted(r["file_path"] for r in data["references"]),
            }
            assert any(found[mode, question].values())
    return found


async def graph(rag: LightRAG) -> dict[str, Any]:
    storage: Any = rag.chunk_entity_relation_graph
    nodes: list[dict[str, Any]] = await storage.get_all_nodes()
    edges: list[dict[str, Any]] = await storage.get_all_edges()
    for row in (*nodes, *edges):
        row.pop("created_at", None)
    return {
        "nodes": {node.pop("id"): node for node in nodes},
        "edges": {tuple(sorted((edge.pop("source"), edge.pop("target")))): edge for edge in edges},
    }
