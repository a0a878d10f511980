"""A store as the runtime binds it: a spec, a driver, and the gate of its backend."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from polystore.capabilities import Feature
from polystore.errors import (
    ConnectionFailed,
    LimitExceeded,
    OperationTimeout,
    OutcomeUnknown,
    PartialWrite,
    PolystoreError,
)
from polystore.stores.coalesce import Coalescer
from polystore.stores.driver import Driver
from polystore.stores.quota import QuotaKeeper

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from polystore.specs import StoreSpec
    from polystore.stores.gate import Gate
    from polystore.types.call import Call

D = TypeVar("D", bound=Driver)
T = TypeVar("T")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[B]):
    """A part of a write that one driver call takes.

    Attributes:
        positions: Where its rows stand in what the caller gave.
        batch: What the hook takes.
        size: Bytes, where that is known.
    """

    positions: Sequence[int]
    batch: B
    size: int | None = None


async def side_by_side(work: Callable[[], Awaitable[None]], times: int) -> None:
    """Carry out `work` several times at once; if one fails or is cancelled, all of them end."""
    tasks = [asyncio.ensure_future(work()) for _ in range(times)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class BoundStore(Generic[D]):
    """One declared or inferred store, shared by all handles on it.

    Args:
        spec: What was declared.
        gate: The backend's gate.
        prepare: Makes the driver; called once, before the first operation of an inferred store.
        transaction: Opens a transaction of the backend, yielding its session object.
        driver: The driver, where the store was bound at start.

    Attributes:
        driver: The driver, once it is made; see `ready`.
        quota: Keeps its quota; None where none is declared.
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
        self.coalescer = Coalescer(spec.name, gate)
        self.quota = None if spec.quota is None else QuotaKeeper(spec.quota)
        self._prepare = prepare
        self.driver = driver
        self._preparing = asyncio.Lock()

    @property
    def backend(self) -> str:
        """Name of the backend."""
        return self.gate.backend

    @property
    def is_made(self) -> bool:
        """Whether the backend has the store for sure."""
        return self.driver is not None

    async def ready(self) -> D:
        """Return the driver, made now if this is the first use of an inferred store."""
        if self.driver is None:
            self.gate.check(self.name)
            async with self._preparing:
                if self.driver is None:
                    self.driver = await self._prepare()
        return self.driver

    async def run(
        self,
        operation: str,
        call: Call,
        hook: Callable[[D], Awaitable[T]],
        *,
        repeatable: bool = True,
        rows: int = 1,
        size: int | None = None,
        coalesced: int = 1,
    ) -> T:
        """Carry out one driver call through the backend's gate."""
        driver = self.driver or await self.ready()
        if call.consistency == "strong":
            driver.capabilities.require(
                Feature.STRONG_READS, backend=self.backend, store=self.name, operation=operation
            )
        return await self.gate.run(
            self.name,
            operation,
            call,
            lambda: hook(driver),
            repeatable=repeatable,
            rows=rows,
            size=size,
            coalesced=coalesced,
        )

    async def run_chunks(
        self,
        operation: str,
        call: Call,
        chunks: Sequence[Chunk[B]],
        hook: Callable[[D, Call, B], Awaitable[T]],
        *,
        atomic: bool = False,
        parallel: int = 1,
    ) -> list[T]:
        """Carry out a write in chunks, each wholly in or out; `atomic` makes them one.

        Args:
            operation: Name of the operation, for errors.
            call: The call.
            chunks: What the hook takes, piece by piece.
            hook: The driver's hook.
            atomic: All chunks in one transaction, or refused.
            parallel: Chunks carried out at the same time, outside of units and transactions.

        Raises:
            PartialWrite: A chunk failed, and others may be stored. None is begun after that.
            UnsupportedError: `atomic` for more than the backend can do.
        """
        if call.session is None and await self._needs_transaction(chunks, atomic=atomic):
            return await self._run_in_transaction(operation, call, chunks, hook)
        results: dict[int, T] = {}
        failures: dict[int, PolystoreError] = {}
        waiting = iter(enumerate(chunks))

        async def work() -> None:
            for number, chunk in waiting:
                try:
                    results[number] = await self.run(
                        operation,
                        call,
                        # The default argument binds this round's batch.
                        lambda d, batch=chunk.batch: hook(d, call, batch),
                        rows=len(chunk.positions),
                        size=chunk.size,
                    )
                except PolystoreError as error:
                    failures[number] = error
                if failures:  # no matter whose
                    return

        writers = 1 if call.session is not None else min(parallel, len(chunks))
        await (work() if writers == 1 else side_by_side(work, writers))
        if not failures:
            return [results[number] for number in range(len(chunks))]
        error = failures[min(failures)]
        if len(chunks) == 1 or call.session is not None:
            raise error
        raise self._partial(operation, chunks, results, failures) from error

    async def _needs_transaction(self, chunks: Sequence[Chunk[B]], *, atomic: bool) -> bool:
        """Whether the hook alone does not make `chunks` all or nothing, as they have to be."""
        capabilities = (await self.ready()).capabilities
        rows, bound = (
            sum(len(chunk.positions) for chunk in chunks),
            capabilities.limits.atomic_batch,
        )
        if rows > bound:
            return atomic
        # Few rows, but so large that one message does not take them.
        return len(chunks) > 1 and (atomic or Feature.ATOMIC_ANY_SIZE in capabilities.features)

    async def _run_in_transaction(
        self,
        operation: str,
        call: Call,
        chunks: Sequence[Chunk[B]],
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
            try:
                async with self.transaction() as session:
                    inside = replace(call, session=session)
                    return [await hook(driver, inside, chunk.batch) for chunk in chunks]
            except OutcomeUnknown as error:
                # Other than a unit of work, this may be carried out once more.
                raise ConnectionFailed(error.message, hint=error.hint) from error

        rows = sum(len(chunk.positions) for chunk in chunks)
        # Not what a subclass makes of it, which has no transaction to offer.
        return await BoundStore[D].run(self, operation, call, whole, rows=rows)

    def _partial(
        self,
        operation: str,
        chunks: Sequence[Chunk[B]],
        results: Mapping[int, object],
        failures: Mapping[int, PolystoreError],
    ) -> PartialWrite:
        done: list[int] = []
        failed: list[int] = []
        unknown: list[int] = []
        for number, chunk in enumerate(chunks):
            error = failures.get(number)
            cut_off = isinstance(error, ConnectionFailed | OperationTimeout) and error.maybe_applied
            rows = done if number in results else unknown if cut_off else failed
            rows += chunk.positions
        first = failures[min(failures)]
        return PartialWrite(
            f"{operation} stored {len(done)} of {len(done) + len(failed) + len(unknown)} rows, "
            f"then failed: {first.message}",
            done=done,
            failed=failed,
            unknown=unknown,
            backend=self.backend,
            store=self.name,
            retryable=all(error.retryable for error in failures.values()),
        )

    def check_sizes(self, texts: Sequence[bytes], limit: int | None, *, what: str) -> None:
        """Raise LimitExceeded if one of `texts` has more than `limit` bytes."""
        if limit is not None and texts:
            self.check_size(max(map(len, texts)), limit, what=what)

    def check_size(self, size: int, limit: int | None, *, what: str) -> None:
        """Raise LimitExceeded if `size` bytes are over `limit`."""
        if limit is not None and size > limit:
            raise LimitExceeded(
                f"{what} has {size} bytes, more than {limit}",
                backend=self.backend,
                store=self.name,
                hint="Store less in one item, or use a backend with a higher limit",
            )
