"""LightRAG's storages on polystore beside LightRAG's own, each pair on one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import lightrag_delete, lightrag_engines, lightrag_run
from bench.lightrag_sides import postgres, registered
from bench.lightrag_storages import graphs, kv, vectors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from bench.measure import Case


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; `driver` is LightRAG's own storage."""
    with registered():
        async with postgres(bench) as (sides, config):
            for group in (kv, vectors, graphs):
                async for case in group(bench, sides):
                    yield case
            for runs in (lightrag_run.cases, lightrag_delete.cases):
                async for case in runs(bench, config):
                    yield case
        async for case in lightrag_engines.cases(bench):
            yield case
