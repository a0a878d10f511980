"""Deleting a document of LightRAG from a large graph: its time must not grow with the graph."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from bench.data import power_law_graph
from bench.lightrag_run import NOTE, running, sides, text_of
from bench.lightrag_sides import RUNS
from bench.lightrag_storages import entity, parts, relation
from bench.measure import Case, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.lightrag_run import Side

_SMALLER = 50


async def cases(bench: Bench, config: dict[str, Any]) -> AsyncGenerator[Case]:
    """Yield the deletion of a document beside LightRAG's own, and beside a small graph."""
    ours, own = sides(config)
    edges = bench.sizes.edges * 5 // 2
    few = edges // _SMALLER
    rounds = min(bench.sizes.rounds, 3)
    for side in (ours, own):
        await _fill(side, "large", edges)
    await _fill(ours, "small", few)
    connection = await asyncpg.connect(host=bench.socket, user="postgres", database=RUNS)
    try:  # what autovacuum would do within a minute, for both sides
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    yield Case(
        f"lightrag delete a document, {edges:,} edges", 1, "ms",
        partial(_delete, ours, "large"), partial(_delete, own, "large"), rounds=rounds, note=NOTE,
    )  # fmt: skip
    yield Case(
        f"lightrag delete, {edges:,} edges beside {few:,}", 1, "ms",
        partial(_delete, ours, "large"), partial(_delete, ours, "small"), rounds=rounds,
        note="driver: polystore too, in the smaller graph",
    )  # fmt: skip


async def _fill(side: Side, workspace: str, edges: int) -> None:
    """Store a graph of other documents, with its chunks."""
    made_nodes, made_edges = power_law_graph(edges // 4, edges)
    joined = {tuple(sorted((edge.source, edge.target))) for edge in made_edges}
    async with running(side, workspace) as rag:
        graph = rag.chunk_entity_relation_graph
        for part in parts([(node.id, entity(node.id)) for node in made_nodes]):
            await graph.upsert_nodes_batch(part)
        for part in parts([(source, target, relation()) for source, target in sorted(joined)]):
            await graph.upsert_edges_batch(part)
        await graph.index_done_callback()


async def _delete(side: Side, workspace: str) -> float:
    async with running(side, workspace) as rag:
        await rag.ainsert(text_of(1), ids="to-delete")
        seconds = await per_row(rag.adelete_by_doc_id("to-delete", delete_llm_cache=True), 1)
        assert await rag.doc_status.get_by_id("to-delete") is None
        return seconds
