"""Single storages of LightRAG: polystore's beside its own."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from hashlib import md5
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.data import exact_nearest, power_law_graph
from bench.measure import Case, per_call, per_row
from polystore.bench.records import clustered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from bench.context import Bench
    from bench.lightrag_sides import Pair, Sides

_BATCH = 500
_TOP = 10
_CALLERS = (1, 4)
_SINGLE_CALLERS = 16
_TABLES = (
    "polystore.node_lightrag_chunk_entity_relation",
    "polystore.edge_lightrag_chunk_entity_relation",
    "lightrag_graph_nodes",
    "lightrag_graph_edges",
)
"""Of graphs, which want statistics as autovacuum makes them."""
_CHUNK_FIELDS = {"full_doc_id", "content", "file_path"}


async def kv(bench: Bench, sides: Sides) -> AsyncGenerator[Case]:
    """Yield the operations of one kind of storage."""
    pair = await sides.pair("kv_storage", "text_chunks")
    rows = {
        f"chunk-{n:08}": {
            "tokens": 60,
            "content": f"what chunk {n} says " * 12,
            "chunk_order_index": n,
            "full_doc_id": f"doc-{n // 20}",
            "file_path": "book.txt",
            "llm_cache_list": [
                f"default:extract:{md5(b'%d' % n, usedforsecurity=False).hexdigest()}"
            ],
        }
        for n in range(bench.sizes.entries)
    }
    batches = parts(list(rows.items()))

    async def write(storage: Any) -> None:
        for part in batches:
            await storage.upsert({key: dict(row) for key, row in part})

    async def read(storage: Any) -> None:
        for part in batches:
            await storage.get_by_ids([key for key, _ in part])

    yield _case(
        "kv upsert", len(rows), bench, sides, pair, write, before=partial(_empty, sides, pair)
    )
    await _fill(pair, write)
    yield _case("kv get_by_ids", len(rows), bench, sides, pair, read)


async def vectors(bench: Bench, sides: Sides) -> AsyncGenerator[Case]:
    """Yield the operations of one kind of storage."""
    pair = await sides.pair("vector_storage", "chunks", _CHUNK_FIELDS)
    corpus = clustered(bench.sizes.corpus, seed=3)
    texts = [f"text {n}" for n in range(len(corpus))]
    sides.known.learn(texts, corpus)
    rows = {
        f"chunk-{n:08}": {
            "content": text,
            "full_doc_id": f"doc-{n // 20}",
            "file_path": "book.txt",
            "tokens": 60,
            "chunk_order_index": n,
        }
        for n, text in enumerate(texts)
    }
    few = dict(list(rows.items())[: bench.sizes.indexed])

    async def write(storage: Any, some: dict[str, Any]) -> None:
        await storage.upsert({key: dict(row) for key, row in some.items()})
        await storage.index_done_callback()

    empty = partial(_empty, sides, pair)
    upsert = partial(write, some=few)
    load = partial(write, some=rows)
    yield _case("vector first load", len(rows), bench, sides, pair, load, before=empty, rounds=1)
    await _fill(pair, load)
    yield _case("vector upsert, replacing", len(few), bench, sides, pair, upsert)
    queries = clustered(bench.sizes.calls // 4, seed=4)
    nearest = exact_nearest(corpus, queries, _TOP)
    recalls: list[float] = []
    for storage in pair:
        answers = [await storage.query("", _TOP, query_embedding=q.tolist()) for q in queries]
        found = ({int(hit["id"][6:]) for hit in answer} for answer in answers)
        hits = sum(len(a & b) for a, b in zip(found, nearest, strict=True))
        recalls.append(hits / (_TOP * len(queries)))
    for callers in _CALLERS:

        async def search(storage: Any, callers: int = callers) -> None:
            calls = [partial(storage.query, "", _TOP, query_embedding=q.tolist()) for q in queries]
            await _together(calls, callers)

        name = f"vector query, {callers} caller{'s' * (callers > 1)}"
        recall = recalls[0], recalls[1]
        yield _case(name, len(queries), bench, sides, pair, search, unit="calls/s", recall=recall)


async def graphs(bench: Bench, sides: Sides) -> AsyncGenerator[Case]:
    """Yield the operations of one kind of storage."""
    pair = await sides.pair("graph_storage", "chunk_entity_relation")
    nodes, edges = power_law_graph(bench.sizes.nodes, bench.sizes.edges)
    named = [(node.id, entity(node.id)) for node in nodes]
    # One edge between two nodes, whichever way round.
    joined = {tuple(sorted((edge.source, edge.target))) for edge in edges}
    related = [(source, target, relation()) for source, target in sorted(joined)]

    async def write_nodes(storage: Any) -> None:
        for part in parts(named):
            await storage.upsert_nodes_batch(part)

    async def write_edges(storage: Any) -> None:
        for part in parts(related):
            await storage.upsert_edges_batch(part)

    async def singles(storage: Any) -> None:
        some_edges = related[: bench.sizes.calls]
        calls = [partial(storage.upsert_node, *node) for node in named[: bench.sizes.calls]]
        calls += [partial(storage.upsert_edge, *edge) for edge in some_edges]
        await _together(calls, _SINGLE_CALLERS)

    empty = partial(_empty, sides, pair)
    once = bench.sizes.calls * 2
    yield _case("node and edge, each alone", once, bench, sides, pair, singles, before=empty)
    yield _case("node batches", len(named), bench, sides, pair, write_nodes, before=empty)
    await _fill(pair, write_nodes)
    yield _case("edge batches", len(related), bench, sides, pair, write_edges, rounds=1)
    if sides.backend == "postgres":
        await bench.settle(*_TABLES)
    hubs = (await pair[0].get_popular_labels(bench.sizes.walks))[: bench.sizes.walks]
    walk = _walks(hubs)
    yield _case(
        "knowledge graph, depth 3", len(hubs), bench, sides, pair, walk, unit="ms", each=True
    )
    taken = count()

    async def forget(storage: Any) -> None:
        """Do what deleting a document does in the graph: edges first, then entities."""
        start = 20 * next(taken)
        names = [name for name, _ in named[-20 - start : len(named) - start]]
        found = await storage.get_nodes_edges_batch(names)
        await storage.remove_edges([edge for part in found.values() for edge in part])
        await storage.remove_nodes(names)

    yield _case("forget 20 entities", 20, bench, sides, pair, forget, rounds=3)


def _walks(hubs: Sequence[str]) -> Callable[[Any], Awaitable[float]]:
    async def walk(storage: Any) -> float:
        return await per_call(lambda hub: storage.get_knowledge_graph(hub, 3, 1000), hubs)

    return walk


def _case(
    name: str,
    rows: int,
    bench: Bench,
    sides: Sides,
    pair: Pair,
    work: Callable[[Any], Awaitable[Any]],
    *,
    before: Any = None,
    rounds: int | None = None,
    unit: Any = "rows/s",
    recall: tuple[float, float] | None = None,
    each: bool = False,
) -> Case:
    async def side(storage: Any) -> float:
        return await work(storage) if each else await per_row(work(storage), rows)

    return Case(
        f"{sides.title} {name}",
        rows,
        unit,
        partial(side, pair[0]),
        partial(side, pair[1]),
        rounds=rounds or min(bench.sizes.rounds, 3),
        before=before,
        warm=before is None and rounds is None,
        recall=recall,
        note=sides.note,
        backend=sides.backend,
    )


async def _empty(sides: Sides, pair: Pair) -> None:
    for storage in pair:
        assert (await storage.drop())["status"] == "success"
    await sides.rest()


async def _fill(pair: Pair, write: Callable[[Any], Awaitable[Any]]) -> None:
    """Write on both sides once more: both are emptied before each round of either."""
    for storage in pair:
        await storage.drop()
        await write(storage)


async def _together(calls: Sequence[Callable[[], Awaitable[Any]]], callers: int) -> None:
    async def work(share: Sequence[Callable[[], Awaitable[Any]]]) -> None:
        for call in share:
            await call()

    await asyncio.gather(*(work(calls[number::callers]) for number in range(callers)))


def parts(rows: Sequence[Any]) -> list[Any]:
    """Return rows in the batches that LightRAG writes."""
    return [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]


def entity(name: str) -> dict[str, Any]:
    """Return the properties of an entity."""
    return {
        "entity_id": name,
        "entity_type": "concept",
        "description": f"what is known about {name} " * 4,
        "source_id": "chunk-1<SEP>chunk-2",
        "file_path": "book.txt",
        "created_at": int(time.time()),
        "truncate": "",
    }


def relation() -> dict[str, Any]:
    """Return the properties of a relation."""
    return {
        "weight": 1.0,
        "description": "what joins the two " * 3,
        "keywords": "together",
        "source_id": "chunk-1",
        "file_path": "book.txt",
        "created_at": int(time.time()),
        "truncate": "",
    }
