"""Operations of key-value stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.bench.records import key, value
from polystore.bench.timing import CALLERS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.bench.job import Job
    from polystore.bench.timing import Timing
    from polystore.client import Workspace

_MANY = 1000


async def operations(job: Job) -> AsyncGenerator[Timing]:
    """Yield each operation's times; the store is filled first."""
    name = job.spec.name

    def put(tenant: Workspace, part: range) -> Callable[[], Awaitable[object]]:
        data = {key(number): value(number) for number in part}
        return lambda: tenant.kv(name).put_many(data)

    watch = job.watch("put_many, 300 B", "rows")
    await job.write(watch, put)
    yield watch.timing()
    store = job.tenant.kv(name)
    for operation, ask in (("get", store.get), ("put, one", _put_of(job))):
        watch = job.watch(operation)
        await watch.each(ask, [key(number) for number in job.numbers(job.calls, 1)])
        yield watch.timing()
    watch = job.watch(f"get, {CALLERS} callers")
    await watch.at_once(store.get, [key(number) for number in job.numbers(4 * job.calls, 2)])
    yield watch.timing()
    watch = job.watch(f"get_many, {_MANY:,} keys", "rows")
    for seed in range(max(3, job.calls // 40)):
        keys = [key(number) for number in job.numbers(_MANY, seed)]
        await watch.call(store.get_many(keys), _MANY)
    yield watch.timing()

    async def scan() -> int:
        return sum([1 async for _ in store.scan()])

    watch = job.watch("scan", "rows")
    await watch.call(scan(), job.rows)
    yield watch.timing()


def _put_of(job: Job) -> Callable[[str], Awaitable[object]]:
    store = job.tenant.kv(job.spec.name)
    return lambda name: store.put(name, {"title": name})
