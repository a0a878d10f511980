"""Merging what concurrent callers ask of one store into bulk calls.

A caller who is alone goes straight through. While its call is in flight, others who ask the same
kind of thing for the same workspace wait in a lane, and go together in one call as soon as it is
back. What the bulk call answers is dealt out by position. The rules for failures:

* a merged call that fails for a reason of its content is repeated one by one, so that one bad item
  fails one caller; a server that cannot be reached fails all of them, without asking it again;
* a cancelled or timed out caller leaves the others alone (its write may still be carried out);
* whatever else ends the merged call, a cancellation included, reaches every waiter.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from polystore.errors import Closed, ConnectionFailed, OperationTimeout, PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from polystore.stores.gate import Gate
    from polystore.types.call import Call

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Waiter(Generic[T, R]):
    item: T
    call: Call
    answer: asyncio.Future[R]


@dataclass(slots=True, eq=False)
class _Lane:
    waiting: list[_Waiter[Any, Any]] = field(default_factory=list[_Waiter[Any, Any]])


class Coalescer:
    """The lanes of one store.

    Args:
        store: Its name, for errors.
        gate: The backend's gate, which keeps the background work until it is done.
    """

    def __init__(self, store: str, gate: Gate) -> None:
        self._store = store
        self._gate = gate
        self._lanes: dict[Hashable, _Lane] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is in flight or waiting."""
        return bool(self._lanes)

    async def submit(
        self,
        operation: str,
        call: Call,
        item: T,
        bulk: Callable[[Call, list[T]], Awaitable[list[R]]],
        *,
        rows: int,
    ) -> R:
        """Return the answer for `item`.

        Args:
            operation: Separates what may be merged; equal for calls with equal `bulk`.
            call: Whose call it is. Never inside a session: a unit's calls go straight through.
            item: What is asked.
            bulk: Carries out many; the answers are in the order of the items.
            rows: At most so many go together.

        Raises:
            OperationTimeout: The caller's deadline passed while it waited.
        """
        if call.session is not None:
            return (await bulk(call, [item]))[0]
        key = operation, call.workspace, call.consistency
        lane = self._lanes.get(key)
        if lane is not None:
            return await self._wait(operation, call, item, lane)
        lane = self._lanes[key] = _Lane()
        try:
            return (await bulk(call, [item]))[0]
        finally:
            if lane.waiting:
                self._gate.keep(asyncio.create_task(self._drain(key, lane, bulk, rows)))
            else:
                del self._lanes[key]

    async def _wait(self, operation: str, call: Call, item: Any, lane: _Lane) -> Any:
        self._gate.check(self._store)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lane.waiting.append(_Waiter(item, call, answer))
        deadline = asyncio.timeout(self._gate.seconds(call))
        try:
            async with deadline:
                return await answer
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise self._gate.timed_out(self._store, operation, call) from error

    async def _drain(
        self,
        key: Hashable,
        lane: _Lane,
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
        rows: int,
    ) -> None:
        try:
            while lane.waiting:
                batch, lane.waiting = lane.waiting[:rows], lane.waiting[rows:]
                # Who gave up meanwhile is not asked for.
                batch = [waiter for waiter in batch if not waiter.answer.done()]
                if batch:
                    await self._serve(batch, bulk)
        finally:
            del self._lanes[key]
            closed = Closed("the client was closed", store=self._store)
            _fail(lane.waiting, closed)

    async def _serve(
        self,
        batch: list[_Waiter[Any, Any]],
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
    ) -> None:
        patience = max(self._gate.seconds(waiter.call) for waiter in batch)
        call = replace(batch[0].call, timeout=patience)
        try:
            answers = await bulk(call, [waiter.item for waiter in batch])
            # Inside the try: who gets no answer has to be told, or would wait for ever.
            answered = list(zip(batch, answers, strict=True))
        except Exception as error:
            if len(batch) == 1 or not _is_of_content(error):
                _fail(batch, error)
            else:
                await self._serve_one_by_one(batch, bulk)
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            for waiter, answer in answered:
                if not waiter.answer.done():
                    waiter.answer.set_result(answer)

    async def _serve_one_by_one(
        self,
        batch: list[_Waiter[Any, Any]],
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
    ) -> None:
        for waiter in batch:
            if not waiter.answer.done():
                await self._serve([waiter], bulk)


def _is_of_content(error: Exception) -> bool:
    unreachable = ConnectionFailed | OperationTimeout | Closed
    return isinstance(error, PolystoreError) and not isinstance(error, unreachable)


def _fail(waiters: list[_Waiter[Any, Any]], error: BaseException) -> None:
    for waiter in waiters:
        if waiter.answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            waiter.answer.cancel()
        else:
            waiter.answer.set_exception(error)
