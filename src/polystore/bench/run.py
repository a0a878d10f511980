"""The whole run: stores made, workspaces filled and measured, and everything removed again."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from polystore.bench import doc, graph, kv, vector
from polystore.bench.job import Job
from polystore.bench.stores import bench_specs
from polystore.capabilities import KINDS
from polystore.client import open as open_client
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from polystore.bench.timing import Timing
    from polystore.capabilities import Kind
    from polystore.client import Polystore
    from polystore.specs import StoreSpec
    from polystore.tenants import AnyStore

_OPERATIONS: Final = {
    "kv": kv.operations,
    "doc": doc.operations,
    "vector": vector.operations,
    "graph": graph.operations,
}


async def bench(
    source: str | Path | None,
    *,
    rows: Sequence[int],
    workspaces: int = 1,
    kinds: Sequence[Kind] = KINDS,
    calls: int = 400,
) -> AsyncGenerator[Timing]:
    """Measure stores of a configuration's backends, and yield each operation's times.

    Stores of our own (`bench_...`) are made where they are not there yet, and filled in workspaces
    of our own, which are dropped in the end: what others store is neither read nor changed.

    Args:
        source: The configuration, as for `polystore.open`.
        rows: Records of each store, all workspaces together; each size is a run of its own.
        workspaces: Among which the records are spread.
        kinds: Which kinds are measured.
        calls: Point reads and searches of each operation.

    Raises:
        ConfigError: No backend serves any of the kinds, or there are more workspaces than rows.
    """
    if min(rows) < workspaces:
        raise ConfigError(
            f"{min(rows)} rows cannot be spread among {workspaces} workspaces",
            hint="Ask for more rows, or fewer workspaces",
        )
    async with open_client(source, schema="off") as client:
        specs = bench_specs(client.runtime, kinds)
    async with open_client(source, stores=specs, schema="auto") as client:
        for count in rows:
            for spec in specs:
                async with _tenants(client, spec, workspaces) as names:
                    job = Job(client, spec, count // workspaces, names, calls)
                    async for timing in _OPERATIONS[spec.kind](job):
                        yield timing


@asynccontextmanager
async def _tenants(client: Polystore, spec: StoreSpec, count: int) -> AsyncGenerator[list[str]]:
    run = secrets.token_hex(4)
    names = [f"polystore bench {run} {number}" for number in range(count)]
    try:
        yield names
    finally:
        for name in names:
            store: AnyStore = getattr(client.workspace(name), spec.kind)(spec.name)
            await store.clear()
