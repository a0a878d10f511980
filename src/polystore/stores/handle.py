"""What the handles of all kinds share."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar, get_args

from typing_extensions import override

from polystore.errors import InvalidFilter, InvalidRecord
from polystore.stores.bound import Chunk
from polystore.stores.columns import join, last_positions, split, spread, take
from polystore.stores.driver import Driver
from polystore.stores.filtering import checked_filter, refuse_empty
from polystore.types.call import Consistency
from polystore.types.names import check_keys
from polystore.types.numbers import check_count, check_timeout

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from _typeshed import DataclassInstance

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter
    from polystore.specs import StoreSpec
    from polystore.stores.bound import BoundStore
    from polystore.stores.filtering import FilterLike
    from polystore.types.call import Call

D = TypeVar("D", bound=Driver)
K = TypeVar("K")
R = TypeVar("R")
B = TypeVar("B", bound="DataclassInstance")


class Handle(Generic[D]):
    """What users hold: a view made of a bound store and a call; cheap to make and to rebind."""

    __slots__ = ("_call", "_store")

    def __init__(self, store: BoundStore[D], call: Call) -> None:
        self._store = store
        self._call = call

    @override
    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._store.name!r} on {self._store.backend!r}, "
            f"workspace {self._call.workspace!r}>"
        )

    @property
    def name(self) -> str:
        """Name of the store."""
        return self._store.name

    @property
    def backend(self) -> str:
        """Name of the backend that serves it."""
        return self._store.backend

    @property
    def workspace(self) -> str:
        """The tenant whose data this handle reads and writes."""
        return self._call.workspace

    @property
    def spec(self) -> StoreSpec:
        """What was declared."""
        return self._store.spec

    def with_options(
        self, *, timeout: float | None = None, consistency: Consistency | None = None
    ) -> Self:
        """Return the same store with another deadline (seconds) or freshness of reads.

        Raises:
            InvalidRecord: The deadline is not positive, or the freshness is none that there is.
        """
        call = self._call
        if timeout is not None:
            call = replace(call, timeout=check_timeout(timeout))
        if consistency is not None:
            if consistency not in get_args(Consistency):
                raise InvalidRecord(
                    f"{consistency!r} is no consistency", hint="Use eventual, session or strong"
                )
            call = replace(call, consistency=consistency)
        return type(self)(self._store, call)

    async def capabilities(self) -> Capabilities:
        """Return what this store can do, with numeric limits, as its server told."""
        return (await self._store.ready()).capabilities

    async def clear(self) -> int:
        """Delete everything of this workspace in this store; return how many rows there were."""
        return await self._store.run("clear", self._call, lambda d: d.clear(self._call))

    async def size_bytes(self) -> int | None:
        """Return about how many bytes this workspace takes here, or None if nobody can tell."""
        return await self._store.run("size_bytes", self._call, lambda d: d.size_bytes(self._call))

    async def _read_each(
        self,
        operation: str,
        keys: Sequence[K],
        hook: Callable[[D, list[K]], Awaitable[list[R]]],
    ) -> list[R]:
        """Ask `hook` for distinct keys, in chunks; return an answer per key, in order."""
        distinct = list(dict.fromkeys(keys))
        found: list[R] = []
        for part in await self._parts(distinct):
            # The default argument binds this round's part.
            found += await self._store.run(
                operation, self._call, lambda d, p=part: hook(d, p), rows=len(part)
            )
        return spread(distinct, found, keys)

    async def _read_one(
        self, operation: str, key: K, hook: Callable[[D, Call, list[K]], Awaitable[list[R]]]
    ) -> R:
        """Ask `hook` for one key, merged with what others ask at the same time."""
        store = self._store
        driver = store.driver or await store.ready()

        async def bulk(call: Call, keys: list[K]) -> list[R]:
            if len(keys) == 1:
                return await store.run(operation, call, lambda d: hook(d, call, keys))
            distinct = list(dict.fromkeys(keys))
            found = await store.run(
                operation,
                call,
                lambda d: hook(d, call, distinct),
                rows=len(distinct),
                coalesced=len(keys),
            )
            return spread(distinct, found, keys)

        rows = driver.capabilities.limits.batch_rows
        return await store.coalescer.submit(operation, self._call, key, bulk, rows=rows)

    async def _write_one(
        self, operation: str, row: B, write: Callable[[Call, B], Awaitable[None]]
    ) -> None:
        """Have `write` store a batch of one row, merged with what others write at the same time."""

        async def bulk(call: Call, rows: list[B]) -> list[None]:
            await write(call, join(rows))
            return [None] * len(rows)

        rows = (await self._store.ready()).capabilities.limits.batch_rows
        await self._store.coalescer.submit(operation, self._call, row, bulk, rows=rows)

    async def _write_batch(
        self,
        operation: str,
        call: Call,
        batch: B,
        keys: Sequence[Hashable],
        sizes: Sequence[int],
        hook: Callable[[D, Call, B], Awaitable[None]],
        *,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Have `hook` store a batch of columns, in chunks; of rows with equal keys the last."""
        check_count(parallel, "parallel")
        limits = (await self._store.ready()).capabilities.limits
        kept: Sequence[int] = range(len(keys))
        last = last_positions(keys)
        if last is not None:
            kept, keys, sizes = last, [keys[i] for i in last], [sizes[i] for i in last]
        rows = limits.batch_rows
        if parallel > 1 and len(kept) > max(rows, limits.atomic_batch):
            # As many parts as give every writer the same number of them.
            rows = -(-len(kept) // (parallel * -(-len(kept) // (parallel * rows))))
        chunks: list[Chunk[B]] = []
        for part in split(sizes, rows=rows, size=limits.batch_bytes):
            positions = kept[part.start : part.stop]
            size = sum(sizes[part.start : part.stop])
            chunks.append(Chunk(positions, take(batch, positions), size))
        async with self._room(call, keys, sum(chunk.size or 0 for chunk in chunks)):
            await self._store.run_chunks(
                operation, call, chunks, hook, atomic=atomic, parallel=parallel
            )

    def _room(
        self, call: Call, keys: Sequence[Hashable], size: int
    ) -> AbstractAsyncContextManager[None]:
        """Hold room for rows that are written inside the block, where the store has a quota."""
        quota = self._store.quota
        return nullcontext() if quota is None else quota.room(self._store, call, keys, size)

    async def _delete(
        self,
        ids: str | Iterable[str] | None,
        filter_: FilterLike | None,
        by_id: Callable[[D, list[str]], Awaitable[int]],
        where: Callable[[D, Filter], Awaitable[int]],
    ) -> int:
        """Delete by id or ids, or by filter, whichever is given."""
        if (ids is None) == (filter_ is None):
            raise InvalidFilter("give either ids or a filter", hint="clear() deletes everything")
        if ids is not None:
            asked = check_keys([ids] if isinstance(ids, str) else ids, what="the id")
            return await self._delete_each("delete", asked, by_id)
        wanted = refuse_empty(await self._filter(filter_), backend=self.backend, store=self.name)
        return await self._store.run("delete", self._call, lambda d: where(d, wanted))

    async def _delete_each(
        self, operation: str, keys: Sequence[K], hook: Callable[[D, list[K]], Awaitable[int]]
    ) -> int:
        """Have `hook` delete distinct keys, in chunks; return how many there were."""
        first: dict[K, int] = {}
        for position, key in enumerate(keys):
            first.setdefault(key, position)
        chunks = [
            Chunk([first[key] for key in part], part) for part in await self._parts(list(first))
        ]
        counts = await self._store.run_chunks(
            operation, self._call, chunks, lambda d, _, part: hook(d, part)
        )
        return sum(counts)

    async def _parts(self, keys: list[K]) -> list[list[K]]:
        rows = (await self._store.ready()).capabilities.limits.batch_rows
        return [keys[i : i + rows] for i in range(0, len(keys), rows)]

    async def _filter(self, given: FilterLike | None) -> Filter | None:
        capabilities = (await self._store.ready()).capabilities
        return checked_filter(given, capabilities, backend=self.backend, store=self.name)
