"""How much a workspace may have in a store: asked before each write, and refused with nothing done.

The engine is asked how much there is. What this client is writing at the moment counts as if it
were there already, so that its own writers together stay within the quota. Other processes are
not seen before their writes are: together they may go over it by what they have in flight.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

from polystore.errors import QuotaExceeded, UnsupportedError
from polystore.stores.doc_driver import DocDriver
from polystore.stores.graph_driver import GraphDriver
from polystore.stores.kv_driver import KVDriver
from polystore.stores.vector_driver import VectorDriver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Hashable, Sequence

    from polystore.specs import Quota
    from polystore.stores.bound import BoundStore
    from polystore.stores.driver import Driver
    from polystore.types.call import Call
    from polystore.types.records import EdgeKey

_ROWS_OF_EDGE: Final = 3
_WAY_OUT: Final = "Delete something of this workspace, or raise `quota:` of the store"


class QuotaKeeper:
    """Keeps the quota of one store.

    Args:
        quota: What is declared.
    """

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._rows: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @asynccontextmanager
    async def room(
        self, store: BoundStore[Any], call: Call, keys: Sequence[Hashable], size: int
    ) -> AsyncGenerator[None]:
        """Make sure that there is room for a write, and hold it while the block writes.

        Args:
            store: The store.
            call: Whose write it is.
            keys: Of the rows, each once; those that are there already take no room.
            size: Bytes of the rows; what they replace is not taken off.

        Raises:
            QuotaExceeded: There is none.
            UnsupportedError: Bytes are limited, and the backend cannot tell how many there are.
        """
        space, rows = call.workspace, _at_most(keys)
        # Held before anything is asked: of two who come together, neither overlooks the other.
        self._rows[space] += rows
        self._bytes[space] += size
        try:
            await self._check_rows(store, call, keys)
            await self._check_bytes(store, call, size)
            yield
        finally:
            self._rows[space] -= rows
            self._bytes[space] -= size
            self._rows += Counter()  # forgets the workspaces that hold nothing
            self._bytes += Counter()

    async def _check_rows(
        self, store: BoundStore[Any], call: Call, keys: Sequence[Hashable]
    ) -> None:
        limit = self._quota.rows
        if limit is None or not keys:
            return
        there = await store.run("count", call, lambda d: _count(d, call))
        if there + self._rows[call.workspace] <= limit:
            return
        new = await _absent(store, call, list(keys))
        others = self._rows[call.workspace] - _at_most(keys)
        if new and there + others + new > limit:
            raise QuotaExceeded(
                f"{new} new rows are more than the quota of {limit} leaves: "
                f"{there} are there" + (f", and {others} are being written" if others else ""),
                backend=store.backend,
                store=store.name,
                hint=_WAY_OUT,
            )

    async def _check_bytes(self, store: BoundStore[Any], call: Call, size: int) -> None:
        limit = self._quota.bytes
        if limit is None or not size:
            return
        there = await store.run("size_bytes", call, lambda d: d.size_bytes(call))
        if there is None:
            raise UnsupportedError(
                "a quota of bytes needs a backend that tells how many there are",
                backend=store.backend,
                store=store.name,
                hint="Limit rows instead, or put the store on another backend",
            )
        if there + self._bytes[call.workspace] > limit:
            raise QuotaExceeded(
                f"{size} bytes more are over the quota of {limit}: about {there} are there",
                backend=store.backend,
                store=store.name,
                hint=_WAY_OUT,
            )


def _at_most(keys: Sequence[Hashable]) -> int:
    """Return how many rows a write of `keys` may make: an edge also makes the ends it lacks."""
    return sum(1 if isinstance(key, str) else _ROWS_OF_EDGE for key in keys)


async def _count(driver: Driver, call: Call) -> int:
    if isinstance(driver, GraphDriver):
        return sum(await driver.counts(call))
    return await driver.count(call)


async def _absent(store: BoundStore[Any], call: Call, keys: list[Hashable]) -> int:
    """Return how many of the distinct `keys` have no row."""
    driver = await store.ready()
    rows = driver.capabilities.limits.batch_rows
    absent = 0
    for start in range(0, len(keys), rows):
        part: list[Any] = keys[start : start + rows]
        absent += await store.run(
            "missing", call, lambda d, part=part: _absent_of(d, call, part), rows=len(part)
        )
    return absent


async def _absent_of(driver: Driver, call: Call, keys: list[Any]) -> int:
    if isinstance(driver, KVDriver):
        return len(await driver.missing(call, keys))
    if isinstance(driver, DocDriver):
        return (await driver.get_many(call, keys)).count(None)
    if isinstance(driver, VectorDriver):
        found = await driver.get_many(call, keys, with_vectors=False)
        return sum(record is None for record in found)
    graph = cast("GraphDriver", driver)
    if isinstance(keys[0], str):
        return (await graph.get_nodes(call, keys)).count(None)
    edges: list[EdgeKey] = keys
    ends = sorted({end for edge in edges for end in (edge.source, edge.target)})
    # Ends that are not there are made, so they take room as well.
    missing_ends = (await graph.get_nodes(call, ends)).count(None)
    return (await graph.get_edges(call, edges)).count(None) + missing_ends
