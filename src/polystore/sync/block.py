"""An async context manager as a plain one."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from polystore.errors import Closed

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from contextvars import Context, ContextVar, Token
    from types import TracebackType

    from polystore.sync.portal import Portal

T = TypeVar("T")


class Block(AbstractContextManager[T, bool]):
    """Enters and leaves an async context manager in one task, as timeouts and groups need it.

    Context variables that entering sets (the current span, the running unit) are set in the caller
    too, until the block is left.

    Args:
        portal: The way to the loop.
        manager: What to enter; once.
    """

    def __init__(self, portal: Portal, manager: AbstractAsyncContextManager[T]) -> None:
        self._portal = portal
        self._manager = manager
        self._used = False
        self._task: asyncio.Task[bool] | None = None
        self._left: asyncio.Future[BaseException | None] | None = None
        self._tokens: list[tuple[ContextVar[Any], Token[Any]]] = []

    @override
    def __enter__(self) -> T:
        if self._used:
            raise Closed("this block is used once", hint="Make a new one")
        self._used = True
        before = copy_context()
        try:
            value, inside = self._portal.call(self._enter)
            for variable, content in inside.items():
                if variable not in before or before[variable] is not content:
                    self._tokens.append((variable, variable.set(content)))
        except BaseException:
            # An interrupt may have come when it was just entered; nobody would leave it.
            if self._task is not None:
                self._portal.call(self._abandon)
            raise
        return value

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        while self._tokens:
            variable, token = self._tokens.pop()
            # Left in another thread or task than it was entered in: nothing was set in this one.
            with suppress(ValueError):
                variable.reset(token)
        return self._portal.call(self._leave, error)

    async def _enter(self) -> tuple[T, Context]:
        loop = asyncio.get_running_loop()
        entered: asyncio.Future[tuple[T, Context]] = loop.create_future()
        self._left = loop.create_future()
        self._task = loop.create_task(self._hold(entered, self._left))
        self._portal.hold(self._task)
        await asyncio.wait([self._task, entered], return_when=asyncio.FIRST_COMPLETED)
        if not entered.done():
            task, self._task = self._task, None
            await task
        return await entered

    async def _hold(
        self, entered: asyncio.Future[tuple[T, Context]], left: asyncio.Future[BaseException | None]
    ) -> bool:
        value = await self._manager.__aenter__()
        entered.set_result((value, copy_context()))
        try:
            error = await left
        except asyncio.CancelledError as cancelled:
            await self._manager.__aexit__(type(cancelled), cancelled, cancelled.__traceback__)
            raise
        # Called and not raised: the caller's exception keeps the traceback that it has.
        trace = None if error is None else error.__traceback__
        return bool(await self._manager.__aexit__(error and type(error), error, trace))

    async def _leave(self, error: BaseException | None) -> bool:
        if self._task is None or self._left is None or self._left.done():
            raise Closed("the block was not entered, or was left before", hint="Use `with`")
        self._left.set_result(error)
        return await self._task

    async def _abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
