"""Timing two sides of one operation, in turns."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

T = TypeVar("T")

Unit: TypeAlias = Literal["rows/s", "calls/s", "ms"]
Side: TypeAlias = "Callable[[], Awaitable[float]]"
"""Carries the operation out and returns the seconds that one row, or one call, took."""


@dataclass(frozen=True, slots=True)
class Case:
    """One operation, to be measured on both sides.

    Attributes:
        name: What it is called; begins with its kind.
        rows: How many rows, or calls, one round of one side makes.
        unit: How its speed is written.
        ours: Through polystore.
        driver: Through asyncpg.
        rounds: How often each side is measured.
        before: Done before each round of each side, and not measured.
        warm: Whether a round of each side goes ahead that is not counted.
        recall: Of ours and of the driver's answers, for approximate searches.
        same: Through asyncpg, into and out of the columns that ours has: what those cost apart.
        note: How the driver does it, where that is not obvious.
        backend: What both are measured on.
    """

    name: str
    rows: int
    unit: Unit
    ours: Side
    driver: Side
    rounds: int
    before: Callable[[], Awaitable[None]] | None = None
    warm: bool = True
    recall: tuple[float, float] | None = None
    same: Side | None = None
    note: str = ""
    backend: str = "postgres"


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured: seconds per row or call, one of each side per round."""

    case: Case
    ours: Sequence[float]
    driver: Sequence[float]
    same: Sequence[float] = ()

    @property
    def ratio(self) -> float:
        """Speed of ours, with the driver's as 1: above 1 ours is faster."""
        return statistics.median(self.driver) / statistics.median(self.ours)

    @property
    def ratio_same(self) -> float | None:
        """The same beside the driver with the columns of ours, where that was measured."""
        if not self.same:
            return None
        return statistics.median(self.same) / statistics.median(self.ours)

    @property
    def ratio_range(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a round."""
        ratios = [theirs / own for own, theirs in zip(self.ours, self.driver, strict=True)]
        return min(ratios), max(ratios)

    def shown(self, seconds: float) -> float:
        """Return `seconds` in the case's unit."""
        return seconds * 1000 if self.case.unit == "ms" else 1 / seconds

    def median(self, side: Literal["ours", "driver"]) -> float:
        """Return a side's median in the case's unit."""
        return self.shown(statistics.median(self.ours if side == "ours" else self.driver))

    def spread(self, side: Literal["ours", "driver"]) -> tuple[float, float]:
        """Return a side's lowest and highest value in the case's unit."""
        values = [self.shown(value) for value in (self.ours if side == "ours" else self.driver)]
        return min(values), max(values)


async def measure(case: Case) -> Result:
    """Measure the sides in turns, so that what slows the machine down meets all of them."""
    sides = [case.ours, case.driver, *([] if case.same is None else [case.same])]
    times: list[list[float]] = [[] for _ in sides]
    if case.warm:
        for side in sides:
            await _round(case, side)
    for _ in range(case.rounds):
        for side, taken in zip(sides, times, strict=True):
            taken.append(await _round(case, side))
    return Result(case, *times)


async def _round(case: Case, side: Side) -> float:
    if case.before is not None:
        await case.before()
    gc.collect()  # so that neither side pays for what the other left
    return await side()


async def per_row(work: Awaitable[object], rows: int) -> float:
    """Return the seconds that each of `rows` took, done as one piece of work."""
    start = time.perf_counter()
    await work
    return (time.perf_counter() - start) / rows


async def per_call(call: Callable[[T], Awaitable[object]], arguments: Sequence[T]) -> float:
    """Return the median seconds of one call, made one after the other."""
    times: list[float] = []
    for argument in arguments:
        start = time.perf_counter()
        await call(argument)
        times.append(time.perf_counter() - start)
    return statistics.median(times)
