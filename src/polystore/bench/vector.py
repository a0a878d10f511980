"""Operations of vector stores. Recall is the share of an exact search's answer."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from polystore.bench.records import GROUP, chunks, clustered, vector_id
from polystore.bench.timing import CALLERS
from polystore.filters import F

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.bench.job import Job
    from polystore.bench.records import Vectors
    from polystore.bench.timing import Timing
    from polystore.client import Workspace
    from polystore.stores.vector import VectorStore
    from polystore.types.records import Hits

_COMPARED = 20
"""Queries whose answers are compared with exact ones."""
_MANY = 100
_FEW = 100
_REPLACED = 1000


async def operations(job: Job) -> AsyncGenerator[Timing]:
    """Yield each operation's times; the store is filled first."""
    name = job.spec.name

    def put(tenant: Workspace, part: range) -> Callable[[], Awaitable[object]]:
        ids = [vector_id(number) for number in part]
        metadata = [{"group": number // GROUP} for number in part]
        vectors = clustered(len(part), seed=part.start)
        return lambda: tenant.vector(name).upsert_arrays(ids, vectors, metadata=metadata)

    store = job.tenant.vector(name)
    watch = job.watch("bulk load, 384 dimensions", "rows")
    async with AsyncExitStack() as bulk:
        await bulk.enter_async_context(store.bulk())
        await job.write(watch, put)
        await watch.call(bulk.aclose(), 0)  # here the index is built
    yield watch.timing()
    watch = job.watch(f"upsert of {_FEW}, indexed", "rows")
    for part in chunks(min(job.rows, _REPLACED), _FEW):
        await watch.call(put(job.tenant, part)(), len(part))
    yield watch.timing()
    queries = clustered(max(job.calls, _MANY), seed=-1 % 2**32)
    watch = job.watch("search, top 10")
    await watch.each(store.search, list(queries[: job.calls]))
    yield watch.timing(await _recall(store, queries[:_COMPARED]))
    watch = job.watch(f"search, top 10, {CALLERS} callers")
    await watch.at_once(store.search, list(queries))
    yield watch.timing()
    watch = job.watch(f"search_many, {_MANY} vectors", "rows")
    for _ in range(max(3, job.calls // 100)):
        await watch.call(store.search_many(queries[:_MANY]), _MANY)
    yield watch.timing()

    async def within(number: int) -> Hits:
        query = queries[number % len(queries)]
        return await store.search(query, filter=F("group") == number // GROUP)

    watch = job.watch(f"search in a group of {GROUP}")
    await watch.each(within, job.numbers(job.calls, 3))
    yield watch.timing()
    watch = job.watch("get")
    await watch.each(store.get, [vector_id(number) for number in job.numbers(job.calls, 1)])
    yield watch.timing()


async def _recall(store: VectorStore, queries: Vectors) -> float:
    found = wanted = 0
    for query in queries:
        exact = {hit.id for hit in await store.search(query, exact=True)}
        found += len(exact & {hit.id for hit in await store.search(query)})
        wanted += len(exact)
    return found / wanted
