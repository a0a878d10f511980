"""Taking the times of calls."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from polystore.capabilities import Kind

T = TypeVar("T")

CALLERS: Final = 64
"""Who ask at the same time, where many do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation was measured.

    Attributes:
        kind: Of the store.
        backend: The key in `backends:`.
        rows: Records that the store held in the end, in all workspaces.
        workspaces: Among which they were spread.
    """

    kind: Kind
    backend: str
    rows: int
    workspaces: int


@dataclass(frozen=True, slots=True)
class Timing:
    """What one operation took.

    Attributes:
        place: Where.
        operation: What was done.
        unit: What is counted: `rows` of batches, or `calls`.
        per_second: Rows or calls in a second, all together.
        median_ms: Of one call, in milliseconds.
        p95_ms: What 95 % of the calls kept within.
        recall: Of approximate searches: the share of the true nearest that was found.
        memory: The most that the process has held so far, in bytes; None where that is not known.
    """

    place: Place
    operation: str
    unit: str
    per_second: float
    median_ms: float
    p95_ms: float
    recall: float | None
    memory: int | None


class Watch:
    """Collects the calls of one operation.

    Args:
        place: Where they are made.
        operation: What they do.
        unit: What `rows` counts.
    """

    def __init__(self, place: Place, operation: str, unit: str = "calls") -> None:
        self._place = place
        self._operation = operation
        self._unit = unit
        self._calls: list[float] = []
        self._rows = 0
        self._seconds = 0.0

    async def call(self, work: Awaitable[T], rows: int = 1) -> T:
        """Await one call and count it."""
        start = time.perf_counter()
        answer = await work
        taken = time.perf_counter() - start
        self._calls.append(taken)
        self._seconds += taken
        self._rows += rows
        return answer

    async def each(self, ask: Callable[[T], Awaitable[object]], arguments: Sequence[T]) -> None:
        """Make calls one after the other."""
        for argument in arguments:
            await self.call(ask(argument))

    async def at_once(self, ask: Callable[[T], Awaitable[object]], arguments: Sequence[T]) -> None:
        """Make calls in waves of as many as there are callers; their time is that of the waves."""

        async def one(argument: T) -> None:
            start = time.perf_counter()
            await ask(argument)
            self._calls.append(time.perf_counter() - start)

        for first in range(0, len(arguments), CALLERS):
            wave = arguments[first : first + CALLERS]
            start = time.perf_counter()
            await asyncio.gather(*map(one, wave))
            self._seconds += time.perf_counter() - start
            self._rows += len(wave)

    def timing(self, recall: float | None = None) -> Timing:
        """Return what the calls so far took; there must be one."""
        calls = sorted(self._calls)
        return Timing(
            self._place,
            self._operation,
            self._unit,
            self._rows / self._seconds,
            calls[len(calls) // 2] * 1000,
            calls[min(len(calls) - 1, len(calls) * 95 // 100)] * 1000,
            recall,
            peak_memory(),
        )


def peak_memory() -> int | None:
    """Return the most memory that this process has held, in bytes; None where it is not told."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
