"""The way from synchronous callers to the event loop in which their client lives.

One background thread and loop per client, so that nothing depends on which thread calls, nor on
whether a loop runs in it (as in a notebook).
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
import weakref
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from polystore.errors import Closed, WrongLoop
from polystore.sync.block import Block
from polystore.sync.loop_thread import LoopThread
from polystore.sync.pages import Pages

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator
    from contextlib import AbstractAsyncContextManager

T = TypeVar("T")
P = ParamSpec("P")

EXIT_SECONDS = 5.0
"""How long the end of the interpreter waits for a client that nobody closed."""


class Portal:
    """Carries out a client's calls in its loop; safe to use from several threads at once."""

    def __init__(self) -> None:
        self._thread: LoopThread | None = None
        self._opening = threading.Lock()
        self._abandoned: weakref.finalize[[LoopThread], Portal] | None = None

    def open(
        self,
        start: Callable[[], Coroutine[Any, Any, object]],
        stop: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """Start the thread and carry out `start` in it, if that was not done before.

        Args:
            start: Opens what the calls use. If it fails, the thread is ended again.
            stop: Closes it; carried out by `close`, or when nobody holds the portal any more.

        Raises:
            Closed: It has been closed.
        """
        with self._opening:
            new = self._thread is None
            if self._thread is None:
                self._thread = LoopThread(stop)
            try:
                self.call(start)
            except BaseException:
                if new:
                    self.close()
                    self._thread = None
                raise
            if new:
                self._abandoned = weakref.finalize(self, _abandon, self._thread)
                self._abandoned.atexit = False
                _open.add(self)

    def close(self) -> None:
        """Stop, and end the thread; safe to call twice.

        In a process forked from the client's it does nothing: the connections are the parent's.
        """
        thread = self._thread
        if thread is None or thread.process != os.getpid():
            return
        if thread.is_current:
            raise _own_thread()
        if self._abandoned is not None:
            self._abandoned.detach()
        thread.end()

    def call(
        self,
        function: Callable[P, Coroutine[Any, Any, T]],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Return what the coroutine function returns for these arguments, called in the loop.

        It is the way to a driver's own client too: `ps.portal.call(ps.raw("main").fetch, sql)`.
        An exception in the waiting caller, such as KeyboardInterrupt, cancels the call.

        Raises:
            Closed: The client is not open, or is closed meanwhile.
            WrongLoop: Called in the loop itself, or in a process forked from the client's.
        """

        async def body() -> T:
            return await function(*args, **kwargs)

        return self._running().call(body)

    def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a plain function returns, called in the loop; errors as `call`."""

        async def body() -> T:
            return function(*args, **kwargs)

        return self._running().call(body)

    def manage(self, manager: AbstractAsyncContextManager[T]) -> Block[T]:
        """Return an async context manager as a plain one."""
        return Block(self, manager)

    def hold(self, block: asyncio.Task[Any]) -> None:
        """Have `close` cancel a task, and wait for it, before it stops the client. In the loop."""
        if self._thread is not None:
            self._thread.hold(block)

    def iterate(self, items: AsyncIterator[T], page: int) -> Generator[T]:
        """Yield what `items`, an async generator, yields; one way to the loop per `page` rows.

        Rows that came before an error are yielded before it is raised.
        """
        pages = Pages(items, page)
        try:
            while True:
                rows, error, more = self.call(pages.next)
                yield from rows
                if error is not None:
                    raise error
                if not more:
                    return
        finally:
            self._release(pages)

    def _release(self, pages: Pages[Any]) -> None:
        """Close a generator; also when garbage collection does it, in whatever thread."""
        thread = self._thread
        if thread is None or pages.ended or thread.process != os.getpid():
            return
        if thread.is_current:
            thread.schedule(pages.close_soon)
        elif not thread.finishing:
            self.call(pages.close)

    def _running(self) -> LoopThread:
        thread = self._thread
        if thread is None:
            raise Closed(
                "the client is not open", hint="Use `with polystore.sync.open(...) as ps:`"
            )
        if thread.process != os.getpid():
            raise WrongLoop(
                "the client was opened in another process, from which this one was forked",
                hint="Open a client in each process, after the fork",
            )
        if thread.is_current:
            raise _own_thread()
        return thread

    def close_at_exit(self) -> None:
        """Close as far as that can be done before the interpreter ends."""
        thread = self._thread
        if thread is not None and thread.process == os.getpid():
            thread.finish()
            thread.join(EXIT_SECONDS)


_open: weakref.WeakSet[Portal] = weakref.WeakSet()


@atexit.register
def close_all() -> None:
    """Close what was left open, at the end of the interpreter."""
    for portal in list(_open):
        portal.close_at_exit()


def settled(values: T) -> T:
    """Return `values`, read into a list if they are read step by step (a generator, say).

    So they are read in the caller's thread, and may themselves come from a synchronous client.
    """
    if isinstance(values, Iterable) and not isinstance(values, Collection):
        return cast("T", list(cast("Iterable[Any]", values)))
    return cast("T", values)


def _abandon(thread: LoopThread) -> None:
    if thread.process == os.getpid():
        # Not waited for: the garbage collector may run in any thread, in the loop's too.
        thread.finish()
        warnings.warn("a synchronous client was not closed", ResourceWarning, stacklevel=2)


def _own_thread() -> WrongLoop:
    return WrongLoop(
        "a call in the client's own event loop would wait for itself",
        hint="Read what it needs before the call, or use the asynchronous client there",
    )
