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
