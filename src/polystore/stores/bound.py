"""A store as the runtime binds it: a spec, a driver, the backend's gate; what handles share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import (
    ConnectionFailed,
    InvalidRecord,
    LimitExceeded,
    OperationTimeout,
    PartialWrite,
    PolystoreError,
)
from polystore.stores.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from contextlib import AbstractAsyncContextManager

    from polystore.capabilities import Capabilities
    from polystore.specs import StoreSpec
    from polystore.stores.gate import Gate
    from polystore.types.call import Call, Consistency

D = TypeVar("D", bound=Driver)
T = TypeVar("T")
B = TypeVar("B")


class BoundStore(Generic[D]):
    """One declared or inferred store, shared by all handles on it.

    Args:
        spec: What was declared.
        gate: The backend's gate.
        prepare: Makes the driver; called once, before the first operation of an inferred store.
        transaction: Opens a transaction of the backend, yielding its session object.
        driver: The driver, where the store was bound at start.
    """

    def __init__(
        self,
        spec: StoreSpec,
        gate: Gate,
        *,
        prepare: Callable[[], Awaitable[D]],
        transaction: Callable[[], AbstractAsyncContextManager[object]],
        driver: D | None = None,
    ) -> None:
        self.spec = spec
        self.gate = gate
        self.name = spec.name
        self.transaction = transaction
        self._prepare = prepare
        self._driver = driver
        self._preparing = asyncio.Lock()

    @property
    def backend(self) -> str:
        """Name of the backend."""
        return self.gate.backend

    async def ready(self) -> D:
        """Return the driver, made now if this is the first use of an inferred store."""
        if self._driver is None:
            self.gate.check(self.name)
            async with self._preparing:
                if self._driver is None:
                    self._driver = await self._prepare()
        return self._driver

    async def run(
        self,
        operation: str,
        call: Call,
        hook: Callable[[D], Awaitable[T]],
        *,
        repeatable: bool = True,
    ) -> T:
        """Carry out one driver call through the backend's gate."""
        driver = self._driver or await self.ready()
        self._check_consistency(driver.capabilities, call, operation)
        return await self.gate.run(
            self.name, operation, call, lambda: hook(driver), repeatable=repeatable
        )

    async def run_chunks(
        self,
        operation: str,
        call: Call,
        chunks: Sequence[tuple[Sequence[int], B]],
        hook: Callable[[D, Call, B], Awaitable[T]],
        *,
        atomic: bool = False,
    ) -> list[T]:
        """Carry out a write in chunks, each wholly in or out; `atomic` makes them one.

        Args:
            operation: Name of the operation, for errors.
            call: The call.
            chunks: For each chunk the caller's positions and what the hook takes.
            hook: The driver's hook.
            atomic: All chunks in one transaction, or refused.

        Raises:
            PartialWrite: A chunk failed after others were stored.
            UnsupportedError: `atomic` for more than the backend can do.
        """
        if len(chunks) > 1 and atomic and call.session is None:
            return await self._run_in_transaction(operation, call, chunks, hook)
        results: list[T] = []
        for number, (_, batch) in enumerate(chunks):
            try:
                # The default argument binds this round's batch.
                results.append(
                    await self.run(operation, call, lambda d, batch=batch: hook(d, call, batch))
                )
            except PolystoreError as error:
                if len(chunks) == 1 or call.session is not None:
                    raise
                raise self._partial(operation, chunks, number, error) from error
        return results

    async def _run_in_transaction(
        self,
        operation: str,
        call: Call,
        chunks: Sequence[tuple[Sequence[int], B]],
        hook: Callable[[D, Call, B], Awaitable[T]],
    ) -> list[T]:
        driver = await self.ready()
        driver.capabilities.require(
            Feature.ATOMIC_ANY_SIZE,
            backend=self.backend,
            store=self.name,
            operation=f"{operation}(atomic=True) with more than "
            f"{driver.capabilities.limits.atomic_batch} rows",
        )

        async def whole(driver: D) -> list[T]:
            async with self.transaction() as session:
                inside = replace(call, session=session)
                return [await hook(driver, inside, batch) for _, batch in chunks]

        return await self.run(operation, call, whole)

    def _partial(
        self,
        operation: str,
        chunks: Sequence[tuple[Sequence[int], B]],
        number: int,
        error: PolystoreError,
    ) -> PartialWrite:
        cut_off = isinstance(error, ConnectionFailed | OperationTimeout) and error.maybe_applied
        positions = [list(rows) for rows, _ in chunks]
        this = positions[number]
        later = [row for rows in positions[number + 1 :] for row in rows]
        done = [row for rows in positions[:number] for row in rows]
        return PartialWrite(
            f"{operation} stored {len(done)} of {sum(map(len, positions))} rows, then failed: "
            f"{error.message}",
            done=done,
            failed=later if cut_off else this + later,
            unknown=this if cut_off else [],
            backend=self.backend,
            store=self.name,
        )

    def _check_consistency(self, capabilities: Capabilities, call: Call, operation: str) -> None:
        if call.consistency == "strong":
            capabilities.require(
                Feature.STRONG_READS, backend=self.backend, store=self.name, operation=operation
            )

    def check_size(self, size: int, limit: int | None, *, what: str) -> None:
        """Raise LimitExceeded if `size` bytes are over `limit`."""
        if limit is not None and size > limit:
            raise LimitExceeded(
                f"{what} has {size} bytes, more than {limit}",
                backend=self.backend,
                store=self.name,
                hint="Store less in one item, or use a backend with a higher limit",
            )


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
        """Return the same store with another deadline (seconds) or freshness of reads."""
        call = self._call
        if timeout is not None:
            if not timeout > 0:
                raise InvalidRecord(f"a timeout must be positive, not {timeout}")
            call = replace(call, timeout=timeout)
        if consistency is not None:
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


def last_positions(keys: Sequence[object]) -> list[int] | None:
    """Return the positions that remain when of equal keys the last wins; None if all differ."""
    if len(set(keys)) == len(keys):
        return None
    last = {key: position for position, key in enumerate(keys)}
    return sorted(last.values())


def split(sizes: Sequence[int], *, rows: int, size: int) -> list[range]:
    """Return consecutive ranges of at most `rows` rows and `size` bytes (but at least one row)."""
    ranges: list[range] = []
    start = total = 0
    for position, row in enumerate(sizes):
        if position > start and (position - start >= rows or total + row > size):
            ranges.append(range(start, position))
            start, total = position, 0
        total += row
    if sizes:
        ranges.append(range(start, len(sizes)))
    return ranges


def pick(column: list[T], positions: Sequence[int]) -> list[T]:
    """Return the elements of `column` at `positions`."""
    return [column[position] for position in positions]


def pairs_of(items: Mapping[str, T] | Iterable[tuple[str, T]]) -> Iterable[tuple[str, T]]:
    """Return the pairs that a mapping has, or that were given."""
    if isinstance(items, Mapping):
        return cast("Mapping[str, T]", items).items()
    return items


def json_object(value: object, *, what: str) -> dict[str, Any]:
    """Return `value`, which must be a dict.

    Raises:
        InvalidRecord: It is not.
    """
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise InvalidRecord(
        f"{what} is a {type(value).__name__}, not a JSON object", hint="Store a dict"
    )
