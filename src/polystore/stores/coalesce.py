"""Merging what concurrent callers ask of one store into bulk calls.

A caller who is alone goes straight through. While its call is in flight, others who ask the same
kind of thing for the same workspace wait in a lane, and go together in one call as soon as it is
back. Where many came together the last time, the next one waits a turn of the event loop for the
others of that turn, instead of leaving them behind a call of its own. What the bulk call answers
is dealt out by position. The rules for failures:

* a merged call that fails for a reason of its content is repeated one by one, so that one bad item
  fails one caller; a server that cannot be reached fails all of them, without asking it again;
* a cancelled or timed out caller leaves the others alone (its write may still be carried out);
* whatever else ends the merged call, a cancellation included, reaches every waiter.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from polystore.errors import Closed, ConnectionFailed, OperationTimeout, PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from polystore.stores.gate import Gate
    from polystore.types.call import Call

T = TypeVar("T")
R = TypeVar("R")


_MOST_CROWDED = 1000
"""Lanes remembered as crowded; beyond that, those that rest are forgotten."""

_Waiter: TypeAlias = "tuple[Any, Call, asyncio.Future[Any]]"
"""What is asked, whose call it is, and where the answer goes."""


class _Lane:
    """Those who wait for one kind of thing.

    Attributes:
        waiting: They, in order.
        busy: Whether a call is in flight, or about to be. A lane that is not was crowded when it
            last served, and gathers whoever comes in one turn of the loop.
    """

    __slots__ = ("busy", "waiting")

    def __init__(self) -> None:
        self.waiting: list[_Waiter] = []
        self.busy = True


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
        return any(lane.busy for lane in self._lanes.values())

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
        if lane is None:
            lane = self._lanes[key] = _Lane()
            try:
                return (await bulk(call, [item]))[0]
            finally:
                if lane.waiting:
                    self._drain_later(key, lane, bulk, rows)
                else:
                    del self._lanes[key]
        gate = self._gate
        gate.check(self._store)
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        lane.waiting.append((item, call, answer))
        if not lane.busy:
            self._drain_later(key, lane, bulk, rows)
        deadline = gate.deadlines.within(gate.seconds(call))
        try:
            with deadline:
                return await answer
        except TimeoutError as error:
            if not deadline.expired:
                raise
            raise gate.timed_out(self._store, operation, call) from error

    def _drain_later(
        self,
        key: Hashable,
        lane: _Lane,
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
        rows: int,
    ) -> None:
        """Serve who waits, from the loop's next turn on: whoever comes in this one goes along."""
        lane.busy = True
        self._gate.keep(asyncio.create_task(self._drain(key, lane, bulk, rows)))

    async def _drain(
        self,
        key: Hashable,
        lane: _Lane,
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
        rows: int,
    ) -> None:
        crowded = False
        try:
            while lane.waiting:
                batch, lane.waiting = lane.waiting[:rows], lane.waiting[rows:]
                crowded = len(batch) > 1
                # Who gave up meanwhile is not asked for.
                batch = [waiter for waiter in batch if not waiter[2].done()]
                if batch:
                    await self._serve(batch, bulk)
        finally:
            waiting, lane.waiting = lane.waiting, []
            lane.busy = False
            if not crowded:
                del self._lanes[key]
            elif len(self._lanes) > _MOST_CROWDED:
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.busy}
            _fail(waiting, Closed("the client was closed", store=self._store))

    async def _serve(
        self,
        batch: list[_Waiter],
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
    ) -> None:
        call = batch[0][1]
        if any(waiter[1].timeout != call.timeout for waiter in batch):
            patience = max(self._gate.seconds(waiter[1]) for waiter in batch)
            call = replace(call, timeout=patience)
        try:
            answers = await bulk(call, [item for item, _, _ in batch])
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
            for (_, _, waiter), answer in answered:
                if not waiter.done():
                    waiter.set_result(answer)

    async def _serve_one_by_one(
        self,
        batch: list[_Waiter],
        bulk: Callable[[Call, list[Any]], Awaitable[list[Any]]],
    ) -> None:
        for waiter in batch:
            if not waiter[2].done():
                await self._serve([waiter], bulk)


def _is_of_content(error: Exception) -> bool:
    unreachable = ConnectionFailed | OperationTimeout | Closed
    return isinstance(error, PolystoreError) and not isinstance(error, unreachable)


def _fail(waiters: list[_Waiter], error: BaseException) -> None:
    for _, _, answer in waiters:
        if answer.done():
            continue
        if isinstance(error, asyncio.CancelledError):
            answer.cancel()
        else:
            answer.set_exception(error)
