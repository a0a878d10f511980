"""A store that is declared `optional`: while its backend is out of reach it misses and drops.

Only ConnectionFailed and OperationTimeout are taken so, and only for what can be repeated; every
other error, and every call of a unit of work, goes to its caller as always. What is missed and
dropped is counted. After a failure the backend is left alone for a while that grows, with jitter;
then one caller asks, and the others go on without it until it answers.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar, cast

from typing_extensions import override

from polystore.errors import ConnectionFailed, OperationTimeout, PolystoreError, UnsupportedError
from polystore.stores.bound import BoundStore
from polystore.stores.coalesce import Coalescer
from polystore.stores.driver import Driver
from polystore.stores.nothing import NOTHING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from polystore.capabilities import Capabilities
    from polystore.specs import StoreSpec
    from polystore.stores.bound import Chunk
    from polystore.stores.gate import Gate
    from polystore.types.call import Call

D = TypeVar("D", bound=Driver)
T = TypeVar("T")
B = TypeVar("B")
R = TypeVar("R")
OUT_OF_REACH = (ConnectionFailed, OperationTimeout)
"""What an optional store does without its backend for."""

_FIRST_REST = 0.1
"""Seconds for which a backend that failed once is left alone; doubled for each failure after it."""
_LONGEST_REST = 5.0
_log = logging.getLogger("polystore")


class Reach:
    """Whether the backend of an optional store is in reach, and what was done without it.

    Attributes:
        missed: Rows that were asked for and not looked for.
        dropped: Rows that were not written or deleted.
        since: When it went out of reach; None while it is in reach.
        reason: Why.
    """

    def __init__(self, gate: Gate, store: str) -> None:
        self._gate = gate
        self._store = store
        self._clock = asyncio.get_running_loop().time
        self._failures = 0
        self._rest_until = 0.0
        self._asking = False
        self.missed = 0
        self.dropped = 0
        self.since: datetime | None = None
        self.reason = ""

    def miss(self, rows: int) -> None:
        """Count rows that were asked for in vain."""
        self.missed += rows
        self._gate.telemetry.without(self._store, "missed", rows)

    def drop(self, rows: int) -> None:
        """Count rows that were not written or deleted."""
        self.dropped += rows
        self._gate.telemetry.without(self._store, "dropped", rows)

    def rests(self) -> bool:
        """Whether the backend is to be left alone; if not, whoever asks is the one who tries."""
        if self.since is None:
            return False
        if self._asking or self._clock() < self._rest_until:
            return True
        self._asking = True
        return False

    def lost(self, error: PolystoreError) -> None:
        """Note that it did not answer; those who asked together count once."""
        self._asking = False
        if self.since is not None and self._clock() < self._rest_until:
            return
        rest = min(_FIRST_REST * 2**self._failures, _LONGEST_REST)
        self._failures += 1
        # Jitter, so that not every process comes back in the same moment.
        self._rest_until = self._clock() + rest * random.uniform(0.5, 1.5)  # noqa: S311
        self.reason = error.message
        if self.since is None:
            self.since = datetime.now(UTC)
            _log.warning(
                "%s: out of reach; the optional store %s misses reads and drops writes until it "
                "is back",
                self._gate.backend,
                self._store,
            )

    def found(self) -> None:
        """Note that it answered."""
        self._asking = False
        if self.since is None:
            return
        lasted = (datetime.now(UTC) - self.since).total_seconds()
        self.since, self._failures, self.reason = None, 0, ""
        _log.warning(
            "%s: back after %.1f s; the optional store %s had missed %d and dropped %d rows so far",
            self._gate.backend,
            lasted,
            self._store,
            self.missed,
            self.dropped,
        )

    def gave_up(self) -> None:
        """Note that whoever asked learned nothing, e.g. was cancelled: the next one may ask."""
        self._asking = False


class _Coalescer(Coalescer):
    """Whoever waited too long for others that ask does without, too."""

    def __init__(self, store: str, gate: Gate, reach: Reach) -> None:
        super().__init__(store, gate)
        self._reach = reach

    @override
    async def submit(
        self,
        operation: str,
        call: Call,
        item: T,
        bulk: Callable[[Call, list[T]], Awaitable[list[R]]],
        *,
        rows: int,
    ) -> R:
        try:
            return await super().submit(operation, call, item, bulk, rows=rows)
        except OperationTimeout as error:
            if call.session is not None:
                raise
            self._reach.lost(error)
            return (await bulk(call, [item]))[0]


class OptionalStore(BoundStore[D]):
    """A bound store that goes on without its backend.

    Args:
        spec: What was declared.
        gate: The backend's gate.
        prepare: Makes the driver, and opens the backend before that where it is not open yet.
        transaction: Opens a transaction of the backend.
        capabilities: What the store can do, as far as is known.

    Attributes:
        reach: Whether the backend is in reach.
    """

    def __init__(
        self,
        spec: StoreSpec,
        gate: Gate,
        *,
        prepare: Callable[[], Awaitable[D]],
        transaction: Callable[[], AbstractAsyncContextManager[object]],
        capabilities: Callable[[], Capabilities],
    ) -> None:
        super().__init__(spec, gate, prepare=prepare, transaction=transaction)
        self.reach = Reach(gate, spec.name)
        self.coalescer = _Coalescer(spec.name, gate, self.reach)
        self._capabilities = capabilities

    @override
    async def ready(self) -> D:
        """Return the driver, or one that misses and drops while there is none."""
        if self.driver is not None:
            return self.driver
        self.gate.check(self.name)
        if not self.reach.rests():
            try:
                return await self._noted(lambda: self._make(self.gate.timeout))
            except OUT_OF_REACH:
                pass  # noted; `run` decides what can be done without
        return self._nothing()

    @override
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
        """Carry out one driver call, or do without where that is possible."""

        async def ask() -> T:
            if self.driver is None:
                await self._make(self.gate.seconds(call))
            return await super(OptionalStore, self).run(
                operation,
                call,
                hook,
                repeatable=repeatable,
                rows=rows,
                size=size,
                coalesced=coalesced,
            )

        if not repeatable or call.session is not None:
            return await self._noted(ask)
        return await self._or_without(ask, hook)

    @override
    async def _run_in_transaction(
        self,
        operation: str,
        call: Call,
        chunks: Sequence[Chunk[B]],
        hook: Callable[[D, Call, B], Awaitable[T]],
    ) -> list[T]:
        async def ask() -> list[T]:
            if self.driver is None:
                await self._make(self.gate.seconds(call))
            return await super(OptionalStore, self)._run_in_transaction(
                operation, call, chunks, hook
            )

        async def without(nothing: D) -> list[T]:
            return [await hook(nothing, call, chunk.batch) for chunk in chunks]

        return await self._or_without(ask, without)

    async def _or_without(
        self, ask: Callable[[], Awaitable[T]], without: Callable[[D], Awaitable[T]]
    ) -> T:
        self.gate.check(self.name)
        if self.reach.rests():
            try:
                return await without(self._nothing())
            except UnsupportedError:
                pass  # nobody can do without the answer, so it is asked for
        try:
            return await self._noted(ask)
        except OUT_OF_REACH as error:
            try:
                return await without(self._nothing())
            except UnsupportedError:
                raise error from None

    async def _noted(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what `ask` does, having noted whether the backend is in reach."""
        try:
            answer = await ask()
        except OUT_OF_REACH as error:
            self.reach.lost(error)
            raise
        except BaseException:
            self.reach.gave_up()
            raise
        self.reach.found()
        return answer

    async def _make(self, seconds: float) -> D:
        """Return the driver, made now; in time, as opening a backend may take long.

        Raises:
            ConnectionFailed: The backend cannot be reached.
            OperationTimeout: It was not there in time.
        """
        try:
            async with asyncio.timeout(seconds):
                return await super().ready()
        except TimeoutError as error:
            raise OperationTimeout(
                f"the backend could not be opened within {seconds:g} s",
                backend=self.backend,
                store=self.name,
                maybe_applied=False,
            ) from error

    def _nothing(self) -> D:
        make = NOTHING[self.spec.kind]
        # Of the same kind as the store, which no type says.
        return cast("D", make(self._capabilities(), self.reach.miss, self.reach.drop))
