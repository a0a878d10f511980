"""The way every call takes: deadline, bound on work in flight, retry, unknown outcomes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from polystore.errors import (
    Closed,
    Conflict,
    ConnectionFailed,
    InvalidRecord,
    OperationTimeout,
    OutcomeUnknown,
    WrongLoop,
)
from polystore.stores.gate import Gate
from polystore.types.call import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CALL = Call("w")


def failing(errors: list[Exception], answer: str = "done") -> Callable[[], Awaitable[str]]:
    """Return a hook that raises each of `errors` in turn, then answers."""

    async def hook() -> str:
        if errors:
            raise errors.pop(0)
        return answer

    return hook


def gate(*, timeout: float = 5, retries: int = 2, in_flight: int = 4) -> Gate:
    return Gate("main", timeout=timeout, retries=retries, in_flight=in_flight)


async def test_a_passing_failure_is_retried() -> None:
    errors: list[Exception] = [ConnectionFailed("gone"), Conflict("deadlock", retryable=True)]
    assert await gate().run("s", "get", CALL, failing(errors)) == "done"
    assert errors == []


async def test_retries_end() -> None:
    errors: list[Exception] = [ConnectionFailed(f"gone {n}") for n in range(5)]
    with pytest.raises(ConnectionFailed, match="gone 2"):
        await gate(retries=2).run("s", "get", CALL, failing(errors))
    assert len(errors) == 2


@pytest.mark.parametrize("error", [InvalidRecord("bad"), Conflict("lost")])
async def test_what_cannot_pass_is_not_retried(error: Exception) -> None:
    errors = [error, error]
    with pytest.raises(type(error)):
        await gate().run("s", "get", CALL, failing(errors))
    assert len(errors) == 1


async def test_errors_say_backend_and_store() -> None:
    with pytest.raises(InvalidRecord) as caught:
        await gate().run("chunks", "get", CALL, failing([InvalidRecord("bad")]))
    assert (caught.value.backend, caught.value.store) == ("main", "chunks")


async def test_inside_a_session_nothing_is_retried() -> None:
    errors: list[Exception] = [ConnectionFailed("gone"), ConnectionFailed("gone")]
    with pytest.raises(ConnectionFailed):
        await gate().run("s", "put", Call("w", session=object()), failing(errors))
    assert len(errors) == 1


async def test_a_call_that_may_have_been_applied_is_not_repeated_unless_that_is_safe() -> None:
    errors: list[Exception] = [ConnectionFailed("cut"), ConnectionFailed("cut")]
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        await gate().run("s", "compare_and_set", CALL, failing(errors), repeatable=False)
    assert len(errors) == 1


async def test_a_call_that_was_never_sent_is_repeated_always() -> None:
    errors: list[Exception] = [ConnectionFailed("refused", maybe_applied=False)]
    done = await gate().run("s", "compare_and_set", CALL, failing(errors), repeatable=False)
    assert done == "done"


async def stall() -> str:
    await asyncio.sleep(60)
    return "late"


async def test_the_deadline_is_kept() -> None:
    with pytest.raises(OperationTimeout, match=r"get did not finish within 0.02 s"):
        await gate().run("s", "get", Call("w", timeout=0.02), stall)
    with pytest.raises(OutcomeUnknown):
        await gate(timeout=0.02).run("s", "put_if_absent", CALL, stall, repeatable=False)


async def test_waiting_for_a_turn_counts_towards_the_deadline() -> None:
    narrow = gate(in_flight=1)
    first = asyncio.create_task(narrow.run("s", "get", CALL, stall))
    await asyncio.sleep(0)
    with pytest.raises(OperationTimeout):
        await narrow.run("s", "get", Call("w", timeout=0.02), failing([]))
    # What never had its turn was surely not carried out, so it may be repeated whatever it is.
    with pytest.raises(OperationTimeout) as caught:
        await narrow.run(
            "s", "put_if_absent", Call("w", timeout=0.02), failing([]), repeatable=False
        )
    assert not caught.value.maybe_applied
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await narrow.run("s", "get", CALL, failing([])) == "done"


async def test_a_timeout_error_of_the_hook_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError, match="its own"):
        await gate().run("s", "get", CALL, failing([TimeoutError("its own")]))


async def test_work_in_flight_is_bounded() -> None:
    bounded = gate(in_flight=3)
    now = peak = 0

    async def hook() -> None:
        nonlocal now, peak
        now += 1
        peak = max(peak, now)
        await asyncio.sleep(0.001)
        now -= 1

    await asyncio.gather(*(bounded.run("s", "get", CALL, hook) for _ in range(30)))
    assert peak == 3


async def test_a_session_does_not_queue_behind_others() -> None:
    narrow = gate(in_flight=1)
    first = asyncio.create_task(narrow.run("s", "get", CALL, stall))
    await asyncio.sleep(0)
    inside = Call("w", session=object(), timeout=1)
    assert await narrow.run("s", "get", inside, failing([])) == "done"
    first.cancel()


async def test_a_closed_gate_lets_nobody_through() -> None:
    shut = gate()
    await shut.close()
    with pytest.raises(Closed, match="async with"):
        await shut.run("s", "get", CALL, failing([]))


async def test_another_event_loop_is_refused() -> None:
    here = gate()

    def elsewhere() -> None:
        asyncio.run(here.run("s", "get", CALL, failing([])))

    with pytest.raises(WrongLoop, match="one client per event loop"):
        await asyncio.to_thread(elsewhere)


async def test_of_those_that_lost_a_connection_one_asks_first() -> None:
    """When the server is back, it is not met by everybody at once."""
    crowd = gate(retries=2, in_flight=20)
    asking = peak = 0
    away = True
    first: asyncio.Event = asyncio.Event()

    def hook() -> Callable[[], Awaitable[str]]:
        tries = 0

        async def attempt() -> str:
            nonlocal tries, asking, peak
            tries += 1
            if tries == 1:
                raise ConnectionFailed("gone")
            asking += 1
            peak = max(peak, asking) if away else peak
            try:
                first.set()
                await asyncio.sleep(0.1)  # longer than the pauses before a retry differ
            finally:
                asking -= 1
            return "done"

        return attempt

    async def watch() -> None:
        nonlocal away
        await first.wait()
        await asyncio.sleep(0.09)
        away = False

    watching = asyncio.create_task(watch())
    calls = [crowd.run("s", "get", CALL, hook()) for _ in range(10)]
    assert await asyncio.gather(*calls) == ["done"] * 10
    await watching
    assert peak == 1


async def test_whoever_waits_for_the_one_ahead_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polystore.stores.recovery._PATIENCE", 0.01)
    crowd = gate(timeout=30)
    slow = asyncio.create_task(crowd.run("s", "get", CALL, after(ConnectionFailed("gone"), stall)))
    await asyncio.sleep(0.2)
    assert await crowd.run("s", "get", CALL, failing([ConnectionFailed("gone")])) == "done"
    slow.cancel()


def after(error: Exception, then: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
    """Return a hook that raises `error` once, then does what `then` does."""
    errors = [error]

    async def hook() -> str:
        if errors:
            raise errors.pop()
        return await then()

    return hook


async def test_calls_in_flight_and_waiting_are_counted() -> None:
    narrow = gate(in_flight=2)
    calls = [asyncio.create_task(narrow.run("s", "get", CALL, stall)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert narrow.use() == (2, 3, 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert narrow.use() == (0, 0, 2)
