"""What the kit's tests stand on: cutting a call off at each await, and waiting with a bound."""

from __future__ import annotations

import asyncio

import pytest

from polystore.testing import checks
from polystore.testing.backend.cut_off import cancel, carry_out
from polystore.testing.checks import Cut, settled, within


async def three_awaits(trace: list[str]) -> str:
    try:
        for name in ("one", "two", "three"):
            trace.append(name)
            await asyncio.sleep(0)
    finally:
        trace.append("left")
    return "done"


async def test_a_call_goes_through_untouched() -> None:
    trace: list[str] = []
    cut = Cut(three_awaits(trace), 4, cancel)
    assert await cut == "done"
    assert (cut.steps, trace) == (3, ["one", "two", "three", "left"])


@pytest.mark.parametrize("step", [1, 2, 3])
async def test_a_call_is_cancelled_at_each_await(step: int) -> None:
    trace: list[str] = []
    cut = await carry_out(lambda: three_awaits(trace), step, cancel)
    assert isinstance(cut.error, asyncio.CancelledError)
    assert trace == [*["one", "two", "three"][:step], "left"]
    assert cut.steps == step


async def test_what_is_waited_for_is_cancelled_too() -> None:
    waiting = asyncio.Event()
    inner: list[asyncio.Task[bool]] = []

    async def call() -> None:
        inner.append(asyncio.create_task(waiting.wait()))
        await inner[0]

    cut = await carry_out(call, 1, cancel)
    assert isinstance(cut.error, asyncio.CancelledError)
    assert inner[0].cancelled()


async def test_an_answer_and_an_error_are_kept() -> None:
    cut = await carry_out(lambda: three_awaits([]), 9, cancel)
    assert (cut.answer, cut.error) == ("done", None)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    assert isinstance((await carry_out(fail, 9, cancel)).error, ZeroDivisionError)


async def test_waiting_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "WAIT", 0.01)
    with pytest.raises(pytest.fail.Exception, match="a lock: something was not let go of"):
        await within(asyncio.Event().wait(), what="a lock")
    assert await within(asyncio.sleep(0, "quick"), what="nothing") == "quick"


async def test_a_late_write_between_two_reads_is_no_half_write() -> None:
    rows = {"node": 0, "edge": 0}
    looks = 0

    async def look() -> list[int]:
        nonlocal looks
        looks += 1
        node = rows["node"]
        if looks == 1:
            rows.update(node=1, edge=1)
        return [node, rows["edge"]]

    assert await settled(look, what="rows") == [1, 1]


async def test_what_is_half_done_is_seen() -> None:
    async def look() -> list[int]:
        return [1, 0]

    assert await settled(look, what="rows") == [1, 0]
