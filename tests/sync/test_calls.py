"""Single calls: threads, loops, interrupts, contexts, errors."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from sync.conftest import MEMORY

import polystore.sync
from polystore.errors import Closed, Conflict, InvalidRecord, WrongLoop

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="nothing")


def test_many_threads_use_one_client(ps: polystore.sync.Polystore) -> None:
    def work(number: int) -> int:
        store = ps.workspace(f"w{number % 3}").kv("cache")
        for i in range(20):
            store.put(f"{number}-{i}", i)
        return sum(store.get(f"{number}-{i}") for i in range(20))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(48))) == [190] * 48
    assert sum(ps.workspace(f"w{n}").kv("cache").count() for n in range(3)) == 48 * 20


def test_threads_that_race_for_one_key_have_one_winner(ps: polystore.sync.Polystore) -> None:
    start = threading.Barrier(8)

    def race(number: int) -> bool:
        start.wait()
        return ps.kv("cache").put_if_absent("key", number)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(8))) == 1


async def test_it_works_where_a_loop_runs_as_in_a_notebook() -> None:
    with polystore.sync.open(MEMORY) as client:
        client.kv("cache").put("a", [1])
        assert client.kv("cache").get("a") == [1]
        assert [entry.key for entry in client.kv("cache").scan()] == ["a"]
    assert asyncio.get_running_loop().is_running()


async def test_calls_from_executors_of_a_loop(ps: polystore.sync.Polystore) -> None:
    store = ps.kv("cache")
    await asyncio.gather(*(asyncio.to_thread(store.put, str(i), i) for i in range(30)))
    assert await asyncio.to_thread(store.count) == 30


def test_an_interrupt_cancels_the_call_and_sees_it_off(ps: polystore.sync.Polystore) -> None:
    seen: list[str] = []

    async def endless() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("rolled back")
            raise

    with pytest.raises(KeyboardInterrupt):
        ps.portal.call(endless)
    assert seen == ["rolled back"]
    ps.kv("cache").put("after", 1)
    assert ps.kv("cache").get("after") == 1


def test_an_interrupt_while_iterating_closes_the_generator(ps: polystore.sync.Polystore) -> None:
    seen: list[str] = []

    async def numbers() -> AsyncGenerator[int]:
        try:
            yield 1
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            seen.append("closed")

    rows = ps.portal.iterate(numbers(), 1)
    assert next(rows) == 1
    with pytest.raises(KeyboardInterrupt):
        next(rows)
    assert seen == ["closed"]


def test_errors_keep_type_attributes_and_traceback(ps: polystore.sync.Polystore) -> None:
    with pytest.raises(Conflict) as caught:
        ps.doc("papers").compare_and_set("p", {}, 3)
    assert (caught.value.backend, caught.value.store) == ("main", "papers")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[0].name == "test_errors_keep_type_attributes_and_traceback"
    assert frames[-1].name == "compare_and_set"
    assert Path(frames[-1].filename).parts[-2:] == ("stores", "doc.py")


def test_nothing_keeps_the_arguments_of_a_call_that_failed(ps: polystore.sync.Polystore) -> None:
    import weakref

    class Big:
        pass

    def fail() -> weakref.ref[Big]:
        big = Big()
        with pytest.raises(InvalidRecord):
            ps.kv("cache").put("k", {"big": big})
        return weakref.ref(big)

    gone = fail()
    ps.kv("cache").count()
    gc.collect()
    assert gone() is None


def test_an_exit_in_a_call_reaches_its_caller_alone(ps: polystore.sync.Polystore) -> None:
    def leave() -> NoReturn:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        ps.portal.run(leave)
    assert caught.value.code == 3
    ps.kv("cache").put("after", 1)
    assert ps.kv("cache").get("after") == 1


def test_the_callers_context_is_seen_by_the_call(ps: polystore.sync.Polystore) -> None:
    token = VARIABLE.set("span")
    try:
        assert ps.portal.run(VARIABLE.get) == "span"
    finally:
        VARIABLE.reset(token)
    assert ps.portal.run(VARIABLE.get) == "nothing"


def test_a_generator_argument_may_read_from_the_client(ps: polystore.sync.Polystore) -> None:
    store, thread = ps.kv("cache"), threading.get_ident()
    threads: set[int] = set()

    def pairs() -> Iterator[tuple[str, int]]:
        for number in range(3):
            threads.add(threading.get_ident())
            yield f"{number}", store.count() + number

    store.put_many(pairs())
    assert threads == {thread}
    assert store.get_many(str(n) for n in range(3)) == [0, 1, 2]
    assert store.get_many({"0": None}) == [0]
    assert ps.doc("papers").delete(entry.key for entry in store.scan()) == 0


def test_a_call_in_its_own_loop_is_refused_instead_of_waiting_forever(
    ps: polystore.sync.Polystore,
) -> None:
    with pytest.raises(WrongLoop, match="own event loop"):
        ps.portal.run(ps.kv("cache").count)
    with pytest.raises(WrongLoop, match="own event loop"):
        ps.portal.run(ps.close)
    assert ps.kv("cache").count() == 0


def test_nothing_works_before_open_and_after_close() -> None:
    client = polystore.sync.open(MEMORY)
    with pytest.raises(Closed, match="not open"):
        client.kv("cache")
    client.close()
    with client:
        store = client.kv("cache")
        store.put("a", 1)
    client.close()
    for call in (store.count, store.scan().__next__, lambda: client.kv("x"), client.start):
        with pytest.raises(Closed, match="closed"):
            call()


def test_start_and_close_serve_those_who_use_no_block() -> None:
    client = polystore.sync.open(MEMORY).start()
    assert client.start() is client
    client.kv("cache").put("a", 1)
    client.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "polystore-sync"]


def test_a_client_that_cannot_start_leaves_no_thread() -> None:
    client = polystore.sync.open({"backends": {"main": {"use": "memory", "nowhere": 1}}})
    for _ in range(2):
        with pytest.raises(polystore.errors.ConfigError, match="nowhere"):
            client.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "polystore-sync"]


def test_close_ends_the_calls_of_other_threads() -> None:
    client = polystore.sync.open(MEMORY).start()
    running = threading.Event()

    async def endless() -> None:
        running.set()
        await asyncio.Event().wait()

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.portal.call, endless)
        running.wait()
        client.close()
        with pytest.raises(Closed, match="may or may not"):
            call.result()


def test_a_thread_that_got_the_number_of_the_loop_s_is_another() -> None:
    async def number() -> int:
        return threading.get_ident()

    client = polystore.sync.open(MEMORY).start()
    ended = client.portal.call(number)
    client.close()
    errors: list[Exception] = []
    numbers: set[int] = set()

    def close() -> None:
        numbers.add(threading.get_ident())
        try:
            client.close()
            with pytest.raises(Closed):
                client.kv("cache").get("a")
        except Exception as error:
            errors.append(error)

    while ended not in numbers:
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
    assert errors == []


def test_calls_that_meet_close_end_all_the_same() -> None:
    def hammer(store: polystore.sync.KVStore) -> None:
        try:
            while True:
                store.get("a")
        except Closed:
            return

    for _ in range(20):
        client = polystore.sync.open(MEMORY).start()
        store = client.kv("cache")
        with ThreadPoolExecutor(6) as pool:
            ends = [pool.submit(hammer, store) for _ in range(4)]
            ends += [pool.submit(client.close) for _ in range(2)]
        for end in ends:
            end.result()


def drop(held: list[Any]) -> None:
    held.clear()
    gc.collect()


def test_a_client_that_nobody_holds_closes_itself_and_says_so() -> None:
    client = polystore.sync.open(MEMORY).start()
    (thread,) = [t for t in threading.enumerate() if t.name == "polystore-sync"]
    held = [client]
    del client
    with pytest.warns(ResourceWarning, match="was not closed"):
        drop(held)
    thread.join()


def test_a_store_keeps_its_client_open() -> None:
    store = polystore.sync.open(MEMORY).start().kv("cache")
    gc.collect()
    store.put("a", 1)
    assert store.get("a") == 1
    store.portal.close()
