"""Operations of document stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.bench.records import GROUP, RANKS, document, document_id
from polystore.filters import F

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.bench.job import Job
    from polystore.bench.timing import Timing
    from polystore.client import Workspace

_PAGE = 100
_MIDDLE = F("rank") >= RANKS // 2


async def operations(job: Job) -> AsyncGenerator[Timing]:
    """Yield each operation's times; the store is filled first."""
    name = job.spec.name

    def put(tenant: Workspace, part: range) -> Callable[[], Awaitable[object]]:
        data = {document_id(number): document(number) for number in part}
        return lambda: tenant.doc(name).put_many(data)

    watch = job.watch("put_many, 3 indexes", "rows")
    await job.write(watch, put)
    yield watch.timing()
    store = job.tenant.doc(name)
    watch = job.watch("get")
    await watch.each(store.get, [document_id(number) for number in job.numbers(job.calls, 1)])
    yield watch.timing()
    few = max(3, job.calls // 10)
    half = (await store.find(_MIDDLE, sort="rank", limit=_PAGE)).cursor
    for operation, cursor in (("first", None), ("middle", half)):
        watch = job.watch(f"find, {operation} page of {_PAGE}, sorted")
        lowest = None if cursor is None else _MIDDLE
        for _ in range(few):
            await watch.call(store.find(lowest, sort="rank", limit=_PAGE, cursor=cursor))
        yield watch.timing()
    watch = job.watch(f"find, a group of {GROUP}")
    await watch.each(
        lambda number: store.find(F("group") == number // GROUP, limit=GROUP), job.numbers(few, 2)
    )
    yield watch.timing()
    watch = job.watch("count_by")
    await watch.each(lambda _: store.count_by("status"), range(max(3, job.calls // 100)))
    yield watch.timing()
