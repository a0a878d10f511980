"""What the databases in this folder hold, and everything that can be asked of them.

An earlier version of polystore runs this file as a program, to make a dump; today's tests ask the
same of what they restore. So it uses only what the first version had already.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import json
import math
import sys
from typing import Any, cast

import numpy as np

import polystore
from polystore import Edge, Node, VectorRecord

WORKSPACES = ("acme", "globex", "A-B/ü")
ROWS = 8
DIMENSIONS = 4


def configured(main: dict[str, Any], partitions: int | None = None) -> dict[str, Any]:
    """Return the configuration of a backend with a store of every kind."""
    options = {"postgres": {"fillfactor": 90} | ({"partitions": partitions} if partitions else {})}
    vectors: dict[str, Any] = {
        "kind": "vector",
        "dimensions": DIMENSIONS,
        "metric": "cosine",
        "embedding_model": "waves",
        "fields": {"doc_id": "string", "year": "integer", "tags": "array"},
        "options": options,
    }
    stores = {
        "cache": {"kind": "kv"},
        "chunks": vectors,
        "flat": {"kind": "vector", "dimensions": DIMENSIONS, "index": {"type": "none"}},
        "knowledge": {"kind": "graph", "indexes": ["weight"]},
        "pairs": {"kind": "graph", "directed": False},
        "documents": {"kind": "doc", "indexes": ["status", ["status", "-year"], "a.b"]},
    }
    return {"backends": {"main": {"use": "postgres"} | main}, "stores": stores}


def vector(n: int) -> list[float]:
    """Return the vector of record `n`."""
    return [round(math.cos(n * (place + 1)), 3) for place in range(DIMENSIONS)]


async def fill(ps: Any, name: str) -> None:
    """Write rows of every kind, some twice, into one workspace."""
    ps = ps.workspace(name)
    cache, documents, graph = ps.kv("cache"), ps.doc("documents"), ps.graph("knowledge")
    values: dict[str, Any] = {"text": f"of {name}", "bytes": b"\0\xff", "null": None, "é/文": [1.5]}
    await cache.put_many(values | {f"k{n}": {"n": n, "big": 2**53 + n} for n in range(ROWS)})
    await cache.put("k0", {"n": "again"})
    await cache.put("lasting", 1, ttl=500 * 365 * 86_400)
    rows = {
        f"d{n:02}": {"status": ("new", "old", None)[n % 3], "year": 2000 + n, "a": {"b": n / 2}}
        for n in range(ROWS)
    }
    await documents.put_many(rows | {"bare": {}})
    await documents.patch("d01", {"status": "patched", "more": {"unknown": ["kept", 1e300]}})
    for store in ("chunks", "flat"):
        await ps.vector(store).upsert(
            VectorRecord(
                f"c{n:02}",
                vector(n),
                f"{'zlib compress' if n % 2 else 'lzma decompress'} chapter {n} Größe",
                {"doc_id": f"d{n % 5:02}", "year": 2000 + n % 4, "tags": ["all", f"t{n % 3}"]},
            )
            for n in range(ROWS)
        )
    nodes = [Node(f"Node {n}", ("N", f"L{n % 2}"), {"weight": n * 1.5}) for n in range(ROWS)]
    edges = [
        Edge(f"Node {n}", "next", f"Node {(n * 2 + 1) % ROWS}", {"since": n}) for n in range(ROWS)
    ]
    for store in (graph, ps.graph("pairs")):
        await store.upsert_nodes(nodes)
        await store.upsert_edges([*edges, Edge("Node 1", "self", "Node 1"), Edge("z", "t", "a")])


def plain(value: Any) -> Any:
    """Return `value` as JSON has it."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, np.ndarray):
        return cast("Any", value).tolist()
    if dataclasses.is_dataclass(value):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    return value.isoformat() if isinstance(value, datetime.datetime) else value


async def answers(ps: Any) -> dict[str, Any]:
    """Return everything that is stored, and what is found of it, as JSON."""
    workspaces: list[str] = await ps.workspaces()
    found = {name: await _in_workspace(ps.workspace(name)) for name in workspaces}
    return plain({"workspaces": sorted(workspaces)} | found)


async def _in_workspace(ps: Any) -> dict[str, Any]:
    cache, documents = ps.kv("cache"), ps.doc("documents")
    pages = await documents.find({"status": {"$in": ["new", "old"]}}, sort=["status", "-year"])
    told: dict[str, Any] = {
        "cache": [entry async for entry in cache.scan()],
        "cache rows": await cache.count(),
        "documents": [document async for document in documents.scan()],
        "documents found": [document.id for document in pages.items],
        "documents by status": sorted(
            ([count.value, count.count] for count in await documents.count_by("status")), key=str
        ),
        "documents by a path": await documents.count({"a.b": {"$gte": 2}}),
    }
    for store in ("chunks", "flat"):
        told |= {f"{store} {what}": it for what, it in (await _vectors(ps.vector(store))).items()}
    for store in ("knowledge", "pairs"):
        told |= {f"{store} {what}": it for what, it in (await _graph(ps.graph(store))).items()}
    return told


async def _vectors(store: Any) -> dict[str, Any]:
    async def nearest(**how: Any) -> list[Any]:
        return [[hit.id, round(hit.score, 5)] for hit in await store.search(vector(3), k=7, **how)]

    return {
        "records": [record async for record in store.scan(with_vectors=True)],
        "rows": await store.count(),
        "nearest": await nearest(),
        "nearest exactly": await nearest(exact=True),
        "nearest of a year": await nearest(filter={"year": 2001}),
        "tagged": await store.count({"tags": {"$contains": "t1"}}),
        # Which are found is a promise; their order is the ranking's, which may become better.
        "of words": sorted(hit.id for hit in await store.search_text("compress", k=20)),
        "of a word with capitals": sorted(h.id for h in await store.search_text("größe", k=20)),
    }


async def _graph(store: Any) -> dict[str, Any]:
    around = await store.subgraph(["Node 1"], depth=2)
    path = await store.shortest_path("Node 2", "Node 7")
    heavy = await store.find_nodes({"weight": {"$gt": 9}})
    return {
        "nodes": [node async for node in store.scan_nodes()],
        "edges": [edge async for edge in store.scan_edges()],
        "rows": list(await store.count()),
        "degrees": await store.degrees([f"Node {n}" for n in range(ROWS)]),
        "around": [node.id for node in around.nodes],
        "way": None if path is None else path.nodes,
        "heavy": [node.id for node in heavy.items],
        "labels": [match.id for match in await store.search_labels("node 1")],
    }


async def main(config: dict[str, Any]) -> None:
    """Make the stores, fill them and print what they answer."""
    async with polystore.open(config) as ps:
        for name in WORKSPACES:
            await fill(ps, name)
        json.dump(await answers(ps), sys.stdout, ensure_ascii=False, sort_keys=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
