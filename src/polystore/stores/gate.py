"""The way every call takes to a backend: alive? -> deadline -> bounded in flight -> retry -> hook.

One gate per backend, shared by all of its stores, so that the bound on work in flight holds for
the server and not for each store.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from polystore.errors import (
    Closed,
    Conflict,
    ConnectionFailed,
    OperationTimeout,
    OutcomeUnknown,
    PolystoreError,
    WrongLoop,
)
from polystore.stores.deadlines import Deadlines
from polystore.stores.recovery import Recovery
from polystore.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.telemetry import Operation
    from polystore.types.call import Call

T = TypeVar("T")
_log = logging.getLogger("polystore")

_BACKOFF = 0.05
"""Seconds before the first retry; doubled for each further one, with jitter."""


class GateUse(NamedTuple):
    """Calls of a backend that are in flight, that wait for their turn, and that may be at once."""

    in_flight: int
    waiting: int
    maximum: int


class _Slots(asyncio.Semaphore):
    """The calls that may be in flight at the same time."""

    def __init__(self, maximum: int) -> None:
        super().__init__(maximum)
        self.maximum = maximum

    @property
    def taken(self) -> int:
        """How many are in flight."""
        return self.maximum - self._value

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(not waiter.done() for waiter in self._waiters or ())


class Gate:
    """Guards one open backend.

    Args:
        backend: Its name, for errors.
        timeout: Seconds an operation may take unless its call says otherwise.
        retries: How often a repeatable operation is repeated after a failure that may pass.
        in_flight: Calls carried out at the same time; others wait their turn.

    Attributes:
        backend: Its name.
        timeout: Seconds an operation may take unless its call says otherwise.
        deadlines: Of its calls.
        telemetry: Where they are reported.
    """

    def __init__(self, backend: str, *, timeout: float, retries: int, in_flight: int) -> None:
        self.backend = backend
        self.timeout = timeout
        self._retries = retries
        self._slots = _Slots(in_flight)
        self._recovery = Recovery()
        self._loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self._loop)
        self._closed = False
        self._background: set[asyncio.Task[None]] = set()
        self.telemetry = Telemetry(backend)

    async def close(self) -> None:
        """Refuse every further call, and see off the work that still runs for waiting callers."""
        self._closed = True
        await asyncio.gather(*self._background, return_exceptions=True)
        if not self.deadlines.running:
            self.deadlines.close()

    def widen(self, in_flight: int) -> None:
        """Say how many calls may be in flight, before the first one: now the server is known."""
        self._slots = _Slots(in_flight)

    def use(self) -> GateUse:
        """Return how many calls are in flight, wait for their turn, and may be in flight."""
        return GateUse(self._slots.taken, self._slots.waiting, self._slots.maximum)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold a background task of a store until it is done."""
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def background(self) -> frozenset[asyncio.Task[None]]:
        """Return the background tasks that are not done."""
        return frozenset(self._background)

    def seconds(self, call: Call) -> float:
        """Return how long `call` may take."""
        return self.timeout if call.timeout is None else call.timeout

    def check(self, store: str) -> None:
        """Raise Closed or WrongLoop if a call cannot be made here and now."""
        if self._closed:
            raise Closed(
                "the client is closed",
                backend=self.backend,
                store=store,
                hint="Use stores inside `async with polystore.open(...)`",
            )
        if asyncio.get_running_loop() is not self._loop:
            raise WrongLoop(
                "the client was opened in another event loop",
                backend=self.backend,
                store=store,
                hint="Open one client per event loop",
            )

    async def run(
        self,
        store: str,
        operation: str,
        call: Call,
        hook: Callable[[], Awaitable[T]],
        *,
        repeatable: bool = True,
        rows: int = 1,
        size: int | None = None,
        coalesced: int = 1,
    ) -> T:
        """Carry out `hook` for `operation` on `store`.

        Args:
            store: Name of the store, for errors.
            operation: Name of the operation, for errors.
            call: Says the session (never retried, never queued: the unit owns its connection) and
                the timeout.
            hook: Makes the driver's coroutine; called anew for each attempt.
            repeatable: Whether carrying it out twice equals once.
            rows: Rows asked for or written, for telemetry.
            size: Bytes written, for telemetry.
            coalesced: How many callers it serves, for telemetry.

        Raises:
            OperationTimeout: The deadline passed; a repeatable write may or may not be stored.
            OutcomeUnknown: The same for an operation that is not repeatable, once it was sent.
        """
        if self._closed or asyncio.get_running_loop() is not self._loop:
            self.check(store)
        telemetry = self.telemetry
        if not telemetry.enabled():
            return await self._within_deadline(
                store, operation, call, hook, telemetry.silent, repeatable=repeatable
            )
        with telemetry.operation(
            store, operation, call.workspace, rows=rows, size=size, coalesced=coalesced
        ) as record:
            return await self._within_deadline(
                store, operation, call, hook, record, repeatable=repeatable
            )

    async def _within_deadline(
        self,
        store: str,
        operation: str,
        call: Call,
        hook: Callable[[], Awaitable[T]],
        record: Operation,
        *,
        repeatable: bool,
    ) -> T:
        timeout = call.timeout
        deadline = self.deadlines.within(self.timeout if timeout is None else timeout)
        sent = call.session is not None
        try:
            with deadline:
                if call.session is not None:
                    return await hook()
                await self._slots.acquire()
                try:
                    sent = True
                    try:
                        return await hook()
                    except (ConnectionFailed, Conflict) as error:
                        failed = error
                    return await self._again(hook, record, failed, repeatable=repeatable)
                finally:
                    self._slots.release()
        except TimeoutError as error:
            if not deadline.expired:
                raise
            if repeatable or not sent:
                raise self.timed_out(store, operation, call, maybe_applied=sent) from error
            raise self._unknown(store, operation) from error
        except PolystoreError as error:
            error.backend = error.backend or self.backend
            error.store = error.store or store
            if not repeatable and call.session is None and _fate_unknown(error):
                raise self._unknown(store, operation) from error
            raise

    async def _again(
        self,
        hook: Callable[[], Awaitable[T]],
        record: Operation,
        error: ConnectionFailed | Conflict,
        *,
        repeatable: bool,
    ) -> T:
        """Repeat what failed with `error`, as often as is allowed and makes sense."""
        if isinstance(error, ConnectionFailed):
            self._recovery.lost()
        for attempt in range(self._retries):
            if not error.retryable or not (repeatable or not _fate_unknown(error)):
                break
            _log.info("%s: attempt %d failed, trying again", self.backend, attempt + 1)
            record.retries += 1
            await asyncio.sleep(_BACKOFF * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                return await self._recovery.again(hook)
            except (ConnectionFailed, Conflict) as again:
                error = again
        raise error

    def timed_out(
        self, store: str, operation: str, call: Call, *, maybe_applied: bool = True
    ) -> OperationTimeout:
        """Return the error of an operation whose deadline passed, and that may be repeated."""
        return OperationTimeout(
            f"{operation} did not finish within {self.seconds(call):g} s",
            backend=self.backend,
            store=store,
            hint="Raise the timeout, make the call smaller, or look at the server",
            maybe_applied=maybe_applied,
        )

    def _unknown(self, store: str, operation: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{operation} was cut off and may or may not have been carried out",
            backend=self.backend,
            store=store,
            hint="Read the item again before deciding what to do",
        )


def _fate_unknown(error: PolystoreError) -> bool:
    return isinstance(error, ConnectionFailed | OperationTimeout) and error.maybe_applied
