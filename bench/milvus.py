"""Vector stores on a Milvus server beside pymilvus' AsyncMilvusClient.

The server is the one of the tests (`make servers`), with its own default settings.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymilvus  # pyright: ignore[reportMissingTypeStubs]
from pymilvus.grpc_gen import common_pb2  # pyright: ignore[reportMissingTypeStubs]

import polystore
from bench.context import CALLERS, INDEX, in_turns
from bench.data import vector_ids, vector_metadata
from bench.measure import Case, per_row
from bench.vector_search import K, Queries
from polystore import F, VectorSpec
from polystore.bench.records import DIMENSIONS, clustered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from bench.context import Bench
    from polystore import Polystore, VectorStore

_TESTS = Path(__file__).resolve().parents[1] / "tests"
_BATCH = 1000
_IN_FLIGHT = 4
_TICK = 200
_WRITTEN, _SEARCHED = "written", "searched"
_MANY = 100
_LEAST_INDEXED = 1024
"""Rows of a segment from which on Milvus indexes it, unless it is configured otherwise."""
_SEALED = common_pb2.SegmentState.Sealed
STORES = tuple(
    VectorSpec(
        name=name,
        dimensions=DIMENSIONS,
        index=INDEX,
        fields={"percent": "integer", "tenth": "integer"},
    )
    for name in (_WRITTEN, _SEARCHED)
)
"""One that is written again and again, and one that is written once, so that both sides' searches
find their rows in the same state."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ways to one server."""

    polystore: Polystore
    client: Any
    admin: Any

    def store(self, name: str) -> VectorStore:
        """Return a store of ours."""
        return self.polystore.vector(name)

    async def theirs(self, vector: Sequence[Any], condition: str = "") -> Any:
        """Search with the bare client."""
        return await self.client.search(
            _SEARCHED,
            vector,
            filter=condition,
            limit=K,
            output_fields=["metadata"],
            search_params={"metric_type": "COSINE", "params": {"ef": INDEX.ef}},
            consistency_level="Session",
        )


@asynccontextmanager
async def _opened() -> AsyncGenerator[Sides]:
    sys.path.insert(0, str(_TESTS))
    from servers.milvus import milvus_server

    with milvus_server(tick=_TICK) as server:
        config: dict[str, Any] = {"backends": {"main": {**server.block, "schema": "auto"}}}
        async with polystore.open(config, stores=STORES) as ps:
            client: Any = pymilvus.AsyncMilvusClient(server.uri, dedicated=True)
            try:
                for name in (_WRITTEN, _SEARCHED):
                    await _make(client, name)
                admin = server.client()
                yield Sides(ps, client, admin)
                admin.close()
            finally:
                await client.close()


async def _make(client: Any, name: str) -> None:
    types: Any = pymilvus.DataType
    schema = client.create_schema()
    schema.add_field("id", types.VARCHAR, is_primary=True, max_length=512)
    schema.add_field("vector", types.FLOAT_VECTOR, dim=DIMENSIONS)
    schema.add_field("metadata", types.JSON)
    index = client.prepare_index_params()
    index.add_index(
        "vector",
        index_type="HNSW",
        metric_type="COSINE",
        params={"M": INDEX.m, "efConstruction": INDEX.ef_construction},
    )
    await client.create_collection(name, schema=schema, index_params=index, num_shards=1)


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations."""
    sizes = bench.sizes
    corpus = clustered(sizes.corpus, seed=1)
    ids, metadata = vector_ids(len(corpus)), vector_metadata(len(corpus))
    async with _opened() as sides:

        async def ours(name: str = _WRITTEN) -> None:
            await sides.store(name).upsert_arrays(ids, corpus, metadata=metadata)

        async def driver(name: str = _WRITTEN) -> None:
            turns = asyncio.Semaphore(_IN_FLIGHT)

            async def write(start: int) -> None:
                part = range(start, min(start + _BATCH, len(ids)))
                rows = [
                    {"id": ids[row], "vector": corpus[row], "metadata": metadata[row]}
                    for row in part
                ]
                async with turns:
                    await sides.client.upsert(name, rows)

            await asyncio.gather(*map(write, range(0, len(ids), _BATCH)))

        yield Case(
            "milvus upsert", len(ids), "rows/s",
            lambda: per_row(ours(), len(ids)),
            lambda: per_row(driver(), len(ids)),
            sizes.rounds, note="AsyncMilvusClient, 4 batches of 1,000 in flight", backend="milvus",
        )  # fmt: skip
        async with sides.store(_SEARCHED).bulk():
            await ours(_SEARCHED)
        await driver(_SEARCHED)
        await sides.client.flush(_SEARCHED)
        for name in (_SEARCHED, f"polystore__{_SEARCHED}__1"):
            await _settled(sides, name, len(ids))
        async for case in _searches(sides, corpus, metadata, sizes.calls, sizes.rounds):
            yield case


async def _settled(sides: Sides, name: str, rows: int) -> None:
    """Wait until every row is sealed and in its index, and nothing but that is loaded."""
    client = sides.client
    while await _pending(sides, name):  # noqa: ASYNC110  nobody says when it is done
        await asyncio.sleep(0.5)
    await client.release_collection(name)
    await client.load_collection(name)
    loaded = await asyncio.to_thread(sides.admin.list_loaded_segments, name)
    states = [(segment.state, segment.num_rows) for segment in loaded]
    assert {state for state, _ in states} == {_SEALED}, states
    assert sum(count for _, count in states) == rows, states


async def _pending(sides: Sides, name: str) -> bool:
    """Return whether rows wait for their index; those of small segments never get one."""
    waiting = int((await sides.client.describe_index(name, "vector"))["pending_index_rows"])
    segments = await asyncio.to_thread(sides.admin.list_persistent_segments, name)
    sizes = [segment.num_rows for segment in segments]
    return waiting > sum(size for size in sizes if size < _LEAST_INDEXED)


async def _searches(
    sides: Sides, corpus: Any, metadata: Sequence[dict[str, Any]], calls: int, rounds: int
) -> AsyncGenerator[Case]:
    everything = Queries.of(corpus, range(len(corpus)), calls)
    store = sides.store(_SEARCHED)

    async def ours(number: int) -> Any:
        return await store.search(everything.vectors[number], k=K)

    async def theirs(number: int) -> Any:
        return (await sides.theirs([everything.vectors[number]]))[0]

    recall = await everything.recall(_named(ours)), await everything.recall(theirs)
    for callers in (1, 4, CALLERS):
        yield _case(
            f"milvus search, {callers} caller{'s' * (callers > 1)}", everything,
            [ours] * callers, [theirs] * callers, recall, rounds, "Session, same ef",
        )  # fmt: skip
    matrix = everything.vectors[:_MANY]
    yield Case(
        f"milvus search_many of {len(matrix)}", len(matrix), "calls/s",
        lambda: per_row(store.search_many(matrix, k=K), len(matrix)),
        lambda: per_row(sides.theirs(list(matrix)), len(matrix)),
        rounds, recall=recall, note="one call", backend="milvus",
    )  # fmt: skip
    for column, what in (("percent", "1 %"), ("tenth", "10 %")):
        rows = [number for number, row in enumerate(metadata) if row[column] == 3]
        queries = Queries.of(corpus, rows, calls // 2)

        async def filtered(number: int, queries: Queries = queries, column: str = column) -> Any:
            return await store.search(queries.vectors[number], k=K, filter=F(column) == 3)

        async def bare(number: int, queries: Queries = queries, column: str = column) -> Any:
            wanted = f'metadata["{column}"] == 3'
            return (await sides.theirs([queries.vectors[number]], wanted))[0]

        recall = await queries.recall(_named(filtered)), await queries.recall(bare)
        yield _case(
            f"milvus search, filter {what}", queries, [filtered], [bare], recall, rounds,
            "a JSON path",
        )  # fmt: skip


def _case(
    name: str,
    queries: Queries,
    ours: Sequence[Callable[[int], Awaitable[Any]]],
    theirs: Sequence[Callable[[int], Awaitable[Any]]],
    recall: tuple[float, float],
    rounds: int,
    note: str,
) -> Case:
    numbers = range(len(queries.truth))
    return Case(
        name, len(numbers), "calls/s",
        lambda: per_row(in_turns(ours, numbers), len(numbers)),
        lambda: per_row(in_turns(theirs, numbers), len(numbers)),
        rounds, recall=recall, note=note, backend="milvus",
    )  # fmt: skip


def _named(search: Callable[[int], Awaitable[Any]]) -> Callable[[int], Awaitable[Any]]:
    async def found(number: int) -> list[dict[str, str]]:
        return [{"id": hit.id} for hit in await search(number)]

    return found
