"""A thread with an event loop in which calls from other threads are carried out."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from polystore.errors import Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Job(Generic[T]):
    """One call on its way: begun in the loop, waited for in the caller's thread."""

    __slots__ = ("_body", "_outcome", "_task")

    def __init__(self, body: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._body = body
        self._outcome: Future[T] = Future()
        self._task: asyncio.Task[T] | None = None

    def begin(self, done: Callable[[Job[Any]], None]) -> None:
        """Start; `done` is told when it has ended. In the loop."""
        self._task = asyncio.get_running_loop().create_task(self._body())
        self._task.add_done_callback(self._deliver)
        self._task.add_done_callback(lambda _: done(self))

    def cancel(self) -> None:
        """Cancel it, if it still runs. In the loop."""
        if self._task is None:
            # The caller was interrupted before it could ask for the beginning.
            self.fail(cut_off())
        else:
            self._task.cancel()

    def fail(self, error: BaseException) -> None:
        """Let the caller see `error`, if there is no outcome yet. When the loop has ended."""
        if not self._outcome.done():
            self._outcome.set_exception(error)

    def result(self) -> T:
        """Wait for the outcome."""
        return self._outcome.result()

    def see_off(self, schedule: Callable[[Callable[[], None]], None]) -> None:
        """Cancel it and wait for its end, if it still runs: the caller was interrupted.

        So what comes next in the caller does not meet it. A second interrupt ends the waiting.

        Args:
            schedule: Has a function called in the loop.
        """
        if not self._outcome.done():
            schedule(self.cancel)
            wait([self._outcome])

    def _deliver(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.fail(cut_off())
            return
        error = task.exception()
        if error is None:
            self._outcome.set_result(task.result())
        else:
            self.fail(error)


class LoopThread:
    """Runs an event loop until `finish`.

    Args:
        stop: Closes what lives in the loop; awaited there before the loop ends.
    """

    def __init__(self, stop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.process = os.getpid()
        self._stop = stop
        self._stopped = asyncio.Event()
        self._jobs: set[Job[Any]] = set()
        self._blocks: set[asyncio.Task[Any]] = set()
        self._lock = threading.Lock()
        self._finishing: Job[None] | None = None
        self._ended = False
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        # A daemon, so that a client that nobody closes does not keep the interpreter alive.
        self._thread = threading.Thread(target=self._main, name="polystore-sync", daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in this thread."""
        # Not by its number, which another thread gets when it has ended.
        return threading.current_thread() is self._thread

    @property
    def finishing(self) -> bool:
        """Whether it refuses calls, as it ends or has ended."""
        return self._finishing is not None

    def call(self, body: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Carry out `body` in the loop, in a copy of the caller's context; wait for its outcome.

        Raises:
            Closed: The loop ends or has ended.
        """
        if self._finishing is not None:
            raise closed()
        job = Job(body)
        try:
            self._begin(job)
            return job.result()
        except BaseException:
            job.see_off(self.schedule)
            raise
        finally:
            # An exception refers to this frame; without this, the two would form a cycle.
            del job

    def schedule(self, function: Callable[[], object]) -> None:
        """Have `function` called in the loop soon; nothing happens once the loop has ended."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def hold(self, block: asyncio.Task[Any]) -> None:
        """Remember a task that has to be cancelled, and to end, before `stop`. In the loop."""
        self._blocks.add(block)
        block.add_done_callback(self._blocks.discard)

    def finish(self) -> Job[None]:
        """Refuse further calls, stop, end the loop; return the call that does it."""
        with self._lock:
            if self._finishing is None:
                self._finishing = Job(self._finish)
                self._begin(self._finishing)
        return self._finishing

    def end(self) -> None:
        """Carry out `finish`, and wait until the thread has ended."""
        job = self.finish()
        try:
            job.result()
        except BaseException:
            job.see_off(self.schedule)
            raise
        finally:
            self.join()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended; return whether it has."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _begin(self, job: Job[Any]) -> None:
        # First entered, then looked: either this sees the end, or the end sees the job.
        self._jobs.add(job)
        if self._ended:
            self._jobs.discard(job)
            job.fail(closed())
        else:
            self.schedule(lambda: job.begin(self._jobs.discard))

    async def _finish(self) -> None:
        try:
            blocks = list(self._blocks)
            for block in blocks:
                block.cancel()
            await asyncio.gather(*blocks, return_exceptions=True)
            await self._stop()
        finally:
            self._stopped.set()

    def _main(self) -> None:
        try:
            with self._runner as runner:
                while not self._stopped.is_set():
                    # A job that raises one of these ends the run, but only its caller is meant.
                    with suppress(KeyboardInterrupt, SystemExit):
                        runner.run(self._wait())
        finally:
            self._ended = True
            for job in list(self._jobs):
                job.fail(cut_off())

    async def _wait(self) -> None:
        await self._stopped.wait()


def closed() -> Closed:
    """Return the error of a call after close."""
    return Closed("the client is closed", hint="Use it inside `with polystore.sync.open(...)`")


def cut_off() -> Closed:
    """Return the error of a call that close has overtaken."""
    return Closed(
        "the client was closed during this call, which may or may not have been carried out",
        hint="Close it when its callers are done",
    )
