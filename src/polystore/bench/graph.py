"""Operations of graph stores: a power law, in which few nodes have many edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.bench.records import EDGES, edges, node, node_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.bench.job import Job
    from polystore.bench.timing import Timing
    from polystore.client import Workspace
    from polystore.stores.graph import GraphStore

_MANY = 100
_MOST = 1000


async def operations(job: Job) -> AsyncGenerator[Timing]:
    """Yield each operation's times; the store is filled first."""
    name = job.spec.name

    def put_nodes(tenant: Workspace, part: range) -> Callable[[], Awaitable[object]]:
        nodes = [node(number) for number in part]
        return lambda: tenant.graph(name).upsert_nodes(nodes)

    def put_edges(tenant: Workspace, part: range) -> Callable[[], Awaitable[object]]:
        some = [edge for number in part for edge in edges(number, job.rows)]
        return lambda: tenant.graph(name).upsert_edges(some)

    watch = job.watch("upsert_nodes", "rows")
    await job.write(watch, put_nodes)
    yield watch.timing()
    watch = job.watch(f"upsert_edges, {EDGES} a node", "rows")
    await job.write(watch, put_edges, each=EDGES)
    yield watch.timing()
    async for timing in _reads(job, job.tenant.graph(name)):
        yield timing


async def _reads(job: Job, store: GraphStore) -> AsyncGenerator[Timing]:
    ids = [node_id(number) for number in job.numbers(job.calls, 1)]

    async def neighbors(id_: str) -> object:
        return await store.neighbors(id_, direction="out")

    async def two_steps(id_: str) -> object:
        return await store.subgraph(id_, depth=2, direction="out")

    async def around(id_: str) -> object:
        return await store.subgraph(id_, depth=3, max_nodes=_MOST)

    for operation, ask in (
        ("get_node", store.get_node),
        ("neighbors, outwards", neighbors),
        ("subgraph, 2 steps outwards", two_steps),
    ):
        watch = job.watch(operation)
        await watch.each(ask, ids)
        yield watch.timing()
    watch = job.watch(f"degrees of {_MANY}")
    for seed in range(max(3, job.calls // 10)):
        some = [node_id(number) for number in job.numbers(_MANY, seed)]
        await watch.call(store.degrees(some))
    yield watch.timing()
    watch = job.watch(f"subgraph of {_MOST:,}, 3 steps")
    await watch.each(around, ids[: max(3, job.calls // 100)])
    yield watch.timing()
