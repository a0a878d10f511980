"""Deadlines of running tasks: what `asyncio.timeout` does, with one timer for all of them.

A timer per call, which nearly always is cancelled before it goes off, costs more than everything
else that the pipeline does for a point read. Here a call enters a set and leaves it again; one
timer, set to the earliest deadline there was, looks who is late.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_PAUSE_PER_TASK = 1e-6
"""Seconds between two looks for each task looked at, so that looking takes a few percent at most,
also where thousands of tasks end one by one."""


class Deadline:
    """A block that has to end in time: `with deadlines.within(seconds): ...`.

    Raises:
        TimeoutError: The time was over, which cancelled what the block waited for.
    """

    __slots__ = ("cancelling", "expired", "running", "task", "when")

    task: asyncio.Task[object]
    cancelling: int
    when: float
    expired: bool
    running: set[Deadline]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self.running.discard(self)
        if (
            self.expired
            # Somebody else may have cancelled the task as well: that goes on as what it is.
            and self.task.uncancel() <= self.cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task; the block's end makes a TimeoutError of it."""
        self.expired = True
        self.task.cancel()


class Deadlines:
    """The deadlines of one event loop's tasks.

    Attributes:
        running: Those whose blocks are being carried out.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._time = loop.time
        self._timer: asyncio.TimerHandle | None = None
        self._next_look = math.inf
        self.running: set[Deadline] = set()

    def within(self, seconds: float) -> Deadline:
        """Return a block, to be entered at once, that has to end within `seconds` from now.

        In a task only; infinity stands for whenever.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline needs a task")
        # Set from here, and entered already: every call of a method costs here.
        deadline = Deadline()
        deadline.task = task
        deadline.cancelling = task.cancelling()
        deadline.expired = False
        deadline.when = when = self._time() + seconds
        deadline.running = self.running
        self.running.add(deadline)
        if when < self._next_look:
            self._look_at(when)
        return deadline

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._next_look = math.inf

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next_look = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer, self._next_look = None, math.inf
        now = self._time()
        for deadline in [deadline for deadline in self.running if deadline.when <= now]:
            self.running.discard(deadline)
            deadline.expire()
        earliest = min((deadline.when for deadline in self.running), default=math.inf)
        if earliest < math.inf:
            self._look_at(max(earliest, now + _PAUSE_PER_TASK * len(self.running)))
