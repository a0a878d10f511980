"""The synchronous client with an asynchronous face, so that the conformance kit runs through it.

Every call goes to a thread, from there through the synchronous client, and so back to a loop. A
face says that it is of the asynchronous class, as the kit tells kinds of stores apart by class.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from typing_extensions import override

import polystore
import polystore.sync
from polystore.stores.bound import BoundStore
from polystore.stores.driver import Driver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from polystore.sync.portal import Portal

THREADS = ThreadPoolExecutor(64, thread_name_prefix="caller")
COUNTERPARTS: dict[type, type] = {
    getattr(polystore.sync, name): getattr(polystore, name)
    for name in polystore.sync.__all__
    if name != "open"
}
_END = object()


async def in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    call = functools.partial(copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(THREADS, call)


class Face:
    """Looks like the asynchronous counterpart of a synchronous object."""

    def __init__(self, shown: Any) -> None:
        self._shown = shown
        self._original = COUNTERPARTS[type(shown)]

    @property
    @override
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride] - on purpose
        return self._original

    def __getattr__(self, name: str) -> Any:
        if name == "runtime":
            return InLoop(self._shown._wrapped.runtime, self._shown.portal)
        shown = getattr(self._shown, name)
        if isinstance(getattr(self._original, name), property):
            return shown
        original = inspect.unwrap(getattr(self._original, name))
        if not inspect.isasyncgenfunction(original):
            kind = call if inspect.iscoroutinefunction(original) else plain
            return functools.partial(kind, shown)
        managed = getattr(self._original, name) is not original
        return functools.partial(Block if managed else steps, shown)

    async def __aenter__(self) -> Face:
        await in_thread(self._shown.__enter__)
        return self

    async def __aexit__(self, *error: Any) -> Any:
        return await in_thread(self._shown.__exit__, *error)


class InLoop:
    """Something behind the client, at which the kit looks in a few places; called in its loop."""

    def __init__(self, target: Any, portal: Portal) -> None:
        self._target = target
        self._portal = portal

    @property
    @override
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride] - on purpose
        kind: type = self._target.__class__
        return kind

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if inspect.iscoroutinefunction(value):
            return functools.partial(self._call, value)
        return functools.partial(self._run, value) if inspect.ismethod(value) else value

    async def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._seen(await in_thread(self._portal.call, function, *args, **kwargs))

    def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        return self._seen(self._portal.run(function, *args))

    def _seen(self, value: Any) -> Any:
        return InLoop(value, self._portal) if isinstance(value, BoundStore | Driver) else value


async def call(shown: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await in_thread(shown, *args, **kwargs)


def plain(shown: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    result = shown(*args, **kwargs)
    return Face(result) if type(result) in COUNTERPARTS else result


async def steps(shown: Callable[..., Any], *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
    rows = shown(*args, **kwargs)
    try:
        while (row := await in_thread(next, rows, _END)) is not _END:
            yield row
    finally:
        rows.close()


class Block:
    """A `with` block as `async with`."""

    def __init__(self, shown: Callable[..., Any]) -> None:
        self._block = shown()

    async def __aenter__(self) -> Any:
        return await in_thread(self._block.__enter__)

    async def __aexit__(self, *error: Any) -> Any:
        return await in_thread(self._block.__exit__, *error)
