"""Cancellation and timeouts: wholly in or wholly out, and the client stays healthy."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore.errors import OperationTimeout
from polystore.stores.doc import DocStore
from polystore.stores.kv import KVStore
from polystore.stores.vector import VectorStore
from polystore.testing.backend.base import (
    BackendTests,
    count,
    handle,
    kinds_of,
    read,
    write,
)
from polystore.testing.checks import fresh_workspace
from polystore.testing.opening import DIMENSIONS
from polystore.testing.outcomes import not_applicable
from polystore.types.records import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore, Workspace
    from polystore.tenants import AnyStore

ATTEMPTS = 12


async def batch_of(store: AnyStore, rows: int) -> None:
    """Store `rows` rows in one call."""
    ids = [f"r{n}" for n in range(rows)]
    if isinstance(store, KVStore):
        await store.put_many(dict.fromkeys(ids, 1))
    elif isinstance(store, DocStore):
        await store.put_many({id_: {"n": 1} for id_ in ids})
    elif isinstance(store, VectorStore):
        await store.upsert_arrays(ids, np.ones((rows, DIMENSIONS), np.float32))
    else:
        await store.upsert_nodes([Node(id_) for id_ in ids])


class BackendTrouble(BackendTests):
    """Trouble."""

    async def test_cancellation(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """A batch that is cancelled anywhere is wholly in or wholly out; others go on."""
        for kind in kinds_of(config):
            limits = (await handle(client, kind).capabilities()).limits
            rows = min(limits.atomic_batch, limits.batch_rows, 300)
            for attempt in range(ATTEMPTS):
                space = client.workspace(fresh_workspace())
                task = asyncio.create_task(batch_of(handle(space, kind), rows))
                if attempt < ATTEMPTS // 2:
                    for _ in range(attempt * 2):
                        await asyncio.sleep(0)
                else:
                    await asyncio.sleep(0.001 * (attempt - ATTEMPTS // 2))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                # What is still on its way is done by the time that the next write is.
                await write(space, kind, "after", 1)
                assert await count(space, kind) in {1, rows + 1}, (kind, attempt)

    async def test_many_cancellations(self, space: Workspace, config: Mapping[str, Any]) -> None:
        """A crowd of cancelled calls leaves no call behind that others would wait for."""
        for kind in kinds_of(config):
            tasks = [asyncio.create_task(write(space, kind, f"r{n}", n)) for n in range(100)]
            await asyncio.sleep(0.002)
            for task in tasks[::2]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(result is None for result in results[1::2]), kind
            assert await read(space, kind, "r99") == 99
            assert await count(space, kind) >= 50

    async def test_timeouts(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """A call that misses its deadline raises OperationTimeout, and is wholly in or out."""
        for kind in kinds_of(config):
            limits = (await handle(client, kind).capabilities()).limits
            rows = min(limits.atomic_batch, limits.batch_rows, 300)
            for seconds in (1e-6, 1e-3, 3e-3):
                space = client.workspace(fresh_workspace())
                hasty = handle(space, kind).with_options(timeout=seconds)
                for call in (lambda h=hasty, n=rows: batch_of(h, n), hasty.count):
                    # An engine may be quick enough; what it may not do is raise something else.
                    with contextlib.suppress(OperationTimeout):
                        await call()
                await write(space, kind, "after", 1)
                assert await count(space, kind) in {1, rows + 1}, (kind, seconds)

    async def test_a_scan_given_up(self, client: Polystore, config: Mapping[str, Any]) -> None:
        """Scans that are left in the middle hold nothing back."""
        if "kv" not in kinds_of(config):
            not_applicable("the backend serves no kv")
            return
        kv = client.workspace(fresh_workspace()).kv("kit_kv")
        await kv.put_many({f"k{n:03}": n for n in range(100)})
        for _ in range(80):
            async for _entry in kv.scan(batch=5):
                break
        assert await kv.count() == 100
        await kv.clear()
