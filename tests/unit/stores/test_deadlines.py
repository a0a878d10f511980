"""Deadlines with one timer for many tasks: they end what `asyncio.timeout` would, as it does."""

from __future__ import annotations

import asyncio
import math

import pytest

from polystore.stores.deadlines import Deadlines


def deadlines() -> Deadlines:
    return Deadlines(asyncio.get_running_loop())


async def sleep_within(watch: Deadlines, seconds: float, sleep: float) -> str:
    with watch.within(seconds):
        await asyncio.sleep(sleep)
    return "done"


async def test_who_is_late_gets_a_timeout_error() -> None:
    watch = deadlines()
    with pytest.raises(TimeoutError):
        await sleep_within(watch, 0.01, 5)
    assert not watch.running
    assert asyncio.current_task().cancelling() == 0  # pyright: ignore[reportOptionalMemberAccess]


async def test_who_is_in_time_is_left_alone() -> None:
    watch = deadlines()
    assert await sleep_within(watch, 0.02, 0) == "done"
    await asyncio.sleep(0.04)
    assert not watch.running


async def test_many_each_with_a_time_of_its_own() -> None:
    watch = deadlines()
    work = [sleep_within(watch, 0.01 * n, 0.255 if n % 2 else 0.0) for n in range(1, 50)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    for n, answer in enumerate(answers, 1):
        late = n % 2 == 1 and 0.01 * n < 0.2
        if late:
            assert isinstance(answer, TimeoutError), n
        elif n % 2 == 0 or n > 35:
            assert answer == "done", n
    assert not watch.running


async def test_a_shorter_time_that_comes_later_is_looked_at_earlier() -> None:
    watch = deadlines()
    patient = asyncio.create_task(sleep_within(watch, 30, 0.1))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await sleep_within(watch, 0.01, 5)
    assert await patient == "done"


async def test_no_time_at_all() -> None:
    with pytest.raises(TimeoutError):
        await sleep_within(deadlines(), 0, 5)


async def test_infinity_never_ends() -> None:
    watch = deadlines()
    assert await sleep_within(watch, math.inf, 0.01) == "done"


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    watch = deadlines()
    task = asyncio.create_task(sleep_within(watch, 30, 30))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not watch.running


async def test_a_cancellation_together_with_the_end_of_the_time_stays_one() -> None:
    watch = deadlines()
    task = asyncio.create_task(sleep_within(watch, 30, 30))
    await asyncio.sleep(0)
    [deadline] = watch.running
    deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_inside_another() -> None:
    watch = deadlines()
    with watch.within(5):
        with pytest.raises(TimeoutError):
            await sleep_within(watch, 0.01, 5)
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), watch.within(0.01), watch.within(5):
        await asyncio.sleep(5)


async def test_an_error_of_the_block_is_not_hidden() -> None:
    watch = deadlines()
    with pytest.raises(KeyError), watch.within(5):
        raise KeyError("a bug")
    assert not watch.running


async def test_a_timeout_error_of_the_block_is_told_apart() -> None:
    watch = deadlines()
    deadline = watch.within(5)
    with pytest.raises(TimeoutError), deadline:
        raise TimeoutError
    assert not deadline.expired
