"""Merging of concurrent callers, and what happens to each when something goes wrong."""

from __future__ import annotations

import asyncio

import pytest

from polystore.errors import (
    Closed,
    ConnectionFailed,
    InvalidRecord,
    OperationTimeout,
)
from polystore.stores.coalesce import Coalescer
from polystore.stores.gate import Gate
from polystore.types.call import Call

POISON = "poison"
CALL = Call("w")


class Server:
    """Answers in upper case, a moment later; remembers what it was asked."""

    def __init__(self, *, delay: float = 0.01) -> None:
        self.gate = Gate("main", timeout=5, retries=0, in_flight=8)
        self.lanes = Coalescer("cache", self.gate)
        self.asked: list[tuple[str, list[str]]] = []
        self.delay = delay
        self.error: BaseException | None = None

    async def bulk(self, call: Call, items: list[str]) -> list[str]:
        return await self.gate.run("cache", "get", call, lambda: self._answer(call, items))

    async def _answer(self, call: Call, items: list[str]) -> list[str]:
        self.asked.append((call.workspace, list(items)))
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error
        if POISON in items:
            raise InvalidRecord("a poisoned key")
        return [item.upper() for item in items]

    async def get(self, item: str, call: Call = CALL, *, rows: int = 100) -> str:
        return await self.lanes.submit("get", call, item, self.bulk, rows=rows)


async def test_alone_a_call_goes_straight_through() -> None:
    server = Server()
    assert await server.get("a") == "A"
    assert await server.get("b") == "B"
    assert server.asked == [("w", ["a"]), ("w", ["b"])]


async def test_concurrent_callers_are_merged_and_answered_each() -> None:
    server = Server()
    names = [f"k{n}" for n in range(64)]
    assert await asyncio.gather(*map(server.get, names)) == [name.upper() for name in names]
    assert [len(items) for _, items in server.asked] == [1, 63]


async def test_a_merged_call_keeps_to_the_rows_allowed() -> None:
    server = Server()
    await asyncio.gather(*(server.get(f"k{n}", rows=10) for n in range(31)))
    assert [len(items) for _, items in server.asked] == [1, 10, 10, 10]


async def test_who_comes_while_a_merged_call_is_under_way_goes_with_the_next() -> None:
    server = Server()
    first = [asyncio.create_task(server.get(f"a{n}")) for n in range(3)]
    await asyncio.sleep(server.delay * 1.5)
    late = asyncio.create_task(server.get("late"))
    await asyncio.gather(*first, late)
    assert [items for _, items in server.asked] == [["a0"], ["a1", "a2"], ["late"]]


async def test_tenants_are_never_merged() -> None:
    server = Server()
    calls = [server.get(f"k{n}", Call("ab"[n % 2])) for n in range(20)]
    await asyncio.gather(*calls)
    for workspace, items in server.asked:
        assert all(int(item[1:]) % 2 == "ab".index(workspace) for item in items)


async def test_inside_a_session_nothing_is_merged() -> None:
    server = Server()
    inside = Call("w", session=object())
    await asyncio.gather(*(server.get(f"k{n}", inside) for n in range(5)))
    assert [len(items) for _, items in server.asked] == [1] * 5


async def test_one_bad_item_fails_one_caller() -> None:
    server = Server()
    names = ["a", "b", POISON, "c"]
    answers = await asyncio.gather(*map(server.get, names), return_exceptions=True)
    assert isinstance(answers[2], InvalidRecord)
    assert [answers[0], answers[1], answers[3]] == ["A", "B", "C"]


async def test_a_server_that_cannot_be_reached_fails_all_without_being_asked_again() -> None:
    server = Server()
    server.error = ConnectionFailed("gone")
    answers = await asyncio.gather(*(server.get(f"k{n}") for n in range(9)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionFailed) for answer in answers)
    assert len(server.asked) == 2


async def test_a_fault_of_the_driver_reaches_every_waiter_and_the_lane_goes_on() -> None:
    server = Server()
    server.error = KeyError("a bug")
    answers = await asyncio.gather(*(server.get(f"k{n}") for n in range(4)), return_exceptions=True)
    assert all(isinstance(answer, KeyError) for answer in answers)
    server.error = None
    assert await server.get("a") == "A"


async def test_a_cancelled_caller_affects_nobody_else() -> None:
    server = Server()
    tasks = [asyncio.create_task(server.get(f"k{n}")) for n in range(5)]
    await asyncio.sleep(0)
    tasks[0].cancel()  # the one whose own call is in flight
    tasks[2].cancel()  # one that waits
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [
        True, False, True, False, False,
    ]  # fmt: skip
    assert [answers[n] for n in (1, 3, 4)] == ["K1", "K3", "K4"]
    assert server.asked[-1] == ("w", ["k1", "k3", "k4"])


async def test_each_caller_keeps_its_own_deadline() -> None:
    server = Server(delay=0.1)
    slow = [asyncio.create_task(server.get(f"s{n}", Call("w", timeout=5))) for n in range(3)]
    await asyncio.sleep(0)
    hasty = asyncio.create_task(server.get("h", Call("w", timeout=0.01)))
    with pytest.raises(OperationTimeout, match=r"0\.01 s"):
        await hasty
    assert await asyncio.gather(*slow) == ["S0", "S1", "S2"]


async def test_a_hasty_caller_first_in_line_does_not_shorten_the_others_time() -> None:
    server = Server(delay=0.05)
    first = asyncio.create_task(server.get("first"))
    await asyncio.sleep(0)
    hasty = asyncio.create_task(server.get("hasty", Call("w", timeout=0.06)))
    patient = asyncio.create_task(server.get("patient", Call("w", timeout=5)))
    answers = await asyncio.gather(first, hasty, patient, return_exceptions=True)
    assert answers[0] == "FIRST"
    assert isinstance(answers[1], OperationTimeout)
    assert answers[2] == "PATIENT"


async def test_who_waits_while_the_client_closes_is_told() -> None:
    server = Server()
    tasks = [asyncio.create_task(server.get(f"k{n}")) for n in range(4)]
    await asyncio.sleep(0)
    await server.gate.close()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[0] == "K0"
    assert all(isinstance(answer, Closed) for answer in answers[1:])


async def test_when_the_work_for_others_is_cancelled_they_are_told() -> None:
    server = Server(delay=5)
    first = asyncio.create_task(server.get("k0"))
    await asyncio.sleep(0)
    others = [asyncio.create_task(server.get(f"k{n}")) for n in (1, 2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0.01)
    for task in server.gate.background():
        task.cancel()
    answers = await asyncio.gather(*others, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers)


async def test_lanes_do_not_pile_up() -> None:
    server = Server(delay=0)
    await asyncio.gather(*(server.get("k", Call(f"tenant {n % 40}")) for n in range(200)))
    await server.gate.close()
    assert not server.lanes.busy


async def test_too_few_answers_leave_nobody_waiting() -> None:
    server = Server()

    async def forgetful(call: Call, items: list[str]) -> list[str]:
        answers = await server.bulk(call, items)
        return answers if len(items) == 1 else answers[1:]

    asked = [server.lanes.submit("get", CALL, name, forgetful, rows=9) for name in "abcd"]
    async with asyncio.timeout(2):
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[0] == "A"
    assert all(isinstance(answer, ValueError) for answer in answers[1:])
    assert not server.lanes.busy


async def test_where_many_came_together_the_next_ones_go_in_one_call() -> None:
    server = Server()
    names = [f"k{n}" for n in range(20)]
    for _ in range(3):
        assert await asyncio.gather(*map(server.get, names)) == [name.upper() for name in names]
    assert [len(items) for _, items in server.asked] == [1, 19, 20, 20]
    assert not server.lanes.busy


async def test_after_a_crowd_who_is_alone_goes_straight_through_again() -> None:
    server = Server(delay=0)
    await asyncio.gather(*(server.get(f"k{n}") for n in range(5)))
    assert [await server.get(name) for name in "abc"] == ["A", "B", "C"]
    assert [len(items) for _, items in server.asked] == [1, 4, 1, 1, 1]
    assert not server.gate.background()


async def test_a_crowd_s_lane_fails_and_cancels_as_any_other() -> None:
    server = Server()
    await asyncio.gather(*(server.get(f"k{n}") for n in range(5)))
    tasks = [asyncio.create_task(server.get(name)) for name in ("a", POISON, "b", "c")]
    await asyncio.sleep(0)
    tasks[2].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[3]) == ("A", "C")
    assert isinstance(answers[1], InvalidRecord)
    assert isinstance(answers[2], asyncio.CancelledError)


async def test_lanes_of_crowds_do_not_pile_up() -> None:
    server = Server(delay=0)
    for start in range(0, 3000, 100):
        calls = [Call(f"tenant {start + n}") for n in range(100) for _ in range(3)]
        await asyncio.gather(*(server.get("k", call) for call in calls))
    assert len(server.lanes._lanes) <= 1001  # pyright: ignore[reportPrivateUsage]
    assert not server.lanes.busy
