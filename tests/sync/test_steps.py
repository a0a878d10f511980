"""What is read step by step, and what has a beginning and an end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
from sync.conftest import MEMORY

import polystore.sync
from polystore import Edge, Node, VectorRecord
from polystore.errors import (
    Closed,
    Conflict,
    ConnectionFailed,
    PolystoreError,
    StoreNotFound,
    UnsupportedError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="nothing")


class Numbers:
    """An async generator that tells how far it was read and whether it was closed."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.read = 0
        self.closed = False
        self._fail_at = fail_at

    async def __call__(self) -> AsyncGenerator[int]:
        try:
            for number in range(10):
                if number == self._fail_at:
                    raise ConnectionFailed("gone")
                self.read = number + 1
                yield number
                await asyncio.sleep(0)
        finally:
            self.closed = True


@pytest.mark.parametrize("page", [1, 2, 3, 9, 10, 11, 500])
def test_all_rows_come_whatever_the_page(ps: polystore.sync.Polystore, page: int) -> None:
    numbers = Numbers()
    assert list(ps.portal.iterate(numbers(), page)) == list(range(10))
    assert numbers.closed


def test_no_more_is_read_than_the_page_that_is_needed(ps: polystore.sync.Polystore) -> None:
    numbers = Numbers()
    rows = ps.portal.iterate(numbers(), 4)
    assert numbers.read == 0
    assert next(rows) == 0
    assert numbers.read == 4
    rows.close()
    assert numbers.closed
    assert numbers.read == 4


def test_leaving_a_loop_early_closes_the_reading(ps: polystore.sync.Polystore) -> None:
    numbers = Numbers()
    with closing(ps.portal.iterate(numbers(), 2)) as rows:
        for row in rows:
            if row == 5:
                break
    assert numbers.closed


def test_a_forgotten_iterator_is_closed_whoever_collects_it(ps: polystore.sync.Polystore) -> None:
    here, there = Numbers(), Numbers()
    rows = ps.portal.iterate(here(), 2)
    assert next(rows) == 0
    del rows
    gc.collect()
    assert here.closed
    held = [ps.portal.iterate(there(), 2)]
    assert next(held[0]) == 0
    ps.portal.run(held.clear)
    ps.kv("cache").count()
    ps.kv("cache").count()
    assert there.closed


def test_an_iterator_that_outlives_the_client_says_so() -> None:
    numbers = Numbers()
    with polystore.sync.open(MEMORY) as client:
        rows = client.portal.iterate(numbers(), 1)
        other = client.portal.iterate(Numbers()(), 1)
        assert [next(rows), next(other)] == [0, 0]
    assert numbers.closed
    with pytest.raises(Closed):
        next(rows)
    other.close()


@pytest.mark.parametrize(("fail_at", "page"), [(0, 3), (1, 3), (3, 3), (4, 3), (5, 500)])
def test_rows_before_an_error_come_first(
    ps: polystore.sync.Polystore, fail_at: int, page: int
) -> None:
    numbers = Numbers(fail_at)
    rows = ps.portal.iterate(numbers(), page)
    assert [next(rows) for _ in range(fail_at)] == list(range(fail_at))
    with pytest.raises(ConnectionFailed, match="gone"):
        next(rows)
    with pytest.raises(StopIteration):
        next(rows)
    assert numbers.closed


class Manager:
    """Tells in which task it was entered and left, and with what."""

    def __init__(self, *, swallow: bool = False) -> None:
        self.events: list[Any] = []
        self.tasks: set[Any] = set()
        self._swallow = swallow

    async def __aenter__(self) -> str:
        self.tasks.add(asyncio.current_task())
        self.events.append("in")
        return "value"

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        self.tasks.add(asyncio.current_task())
        self.events.append(error)
        return self._swallow


def test_a_block_is_entered_and_left_in_one_task(ps: polystore.sync.Polystore) -> None:
    manager = Manager()
    with ps.portal.manage(manager) as value:
        assert value == "value"
        ps.kv("cache").put("a", 1)
    assert manager.events == ["in", None]
    assert len(manager.tasks) == 1


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_block_sees_what_ends_it(ps: polystore.sync.Polystore, kind: type[BaseException]) -> None:
    manager, error = Manager(), kind("x")
    with pytest.raises(kind) as caught, ps.portal.manage(manager):
        raise error
    assert caught.value is error
    assert manager.events == ["in", error]
    swallowing = Manager(swallow=True)
    with ps.portal.manage(swallowing):
        raise error
    assert swallowing.events == ["in", error]


def test_timeouts_and_groups_work_across_a_block(ps: polystore.sync.Polystore) -> None:
    @asynccontextmanager
    async def manager() -> AsyncGenerator[asyncio.Event]:
        ticked = asyncio.Event()

        async def tick() -> None:
            ticked.set()

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(tick())
            yield ticked

    with ps.portal.manage(manager()) as ticked:
        ps.portal.call(ticked.wait)


def test_a_block_that_cannot_be_entered_raises_why(ps: polystore.sync.Polystore) -> None:
    @asynccontextmanager
    async def manager() -> AsyncGenerator[None]:
        if MEMORY:
            raise ConnectionFailed("gone")
        yield

    with pytest.raises(ConnectionFailed, match="gone"), ps.portal.manage(manager()):
        pytest.fail("entered")


def test_an_interrupt_while_entering_leaves_nothing_open(ps: polystore.sync.Polystore) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def manager() -> AsyncGenerator[None]:
        events.append("in")
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(0)
            yield
        finally:
            events.append("out")

    with pytest.raises(KeyboardInterrupt), ps.portal.manage(manager()):
        pytest.fail("entered")
    assert events == ["in", "out"]


def test_a_block_serves_once(ps: polystore.sync.Polystore) -> None:
    block = ps.portal.manage(Manager())
    with pytest.raises(Closed, match="not entered"):
        block.__exit__(None, None, None)
    with block, pytest.raises(Closed, match="used once"), block:
        pytest.fail("entered")
    with pytest.raises(Closed, match="left before"):
        block.__exit__(None, None, None)


def test_close_leaves_blocks_that_are_open() -> None:
    manager = Manager()
    client = polystore.sync.open(MEMORY).start()
    block = client.portal.manage(manager)
    block.__enter__()
    client.close()
    assert len(manager.events) == 2
    assert isinstance(manager.events[1], asyncio.CancelledError)
    with pytest.raises(Closed):
        block.__exit__(None, None, None)


def test_what_a_block_sets_in_the_context_lasts_as_long_as_it(
    ps: polystore.sync.Polystore,
) -> None:
    other: ContextVar[str] = ContextVar("other")

    @asynccontextmanager
    async def manager() -> AsyncGenerator[None]:
        tokens = VARIABLE.set("inside"), other.set("new")
        yield
        VARIABLE.reset(tokens[0])
        other.reset(tokens[1])

    outer = VARIABLE.set("outside")
    with ps.portal.manage(manager()):
        assert (VARIABLE.get(), other.get()) == ("inside", "new")
        assert ps.portal.run(VARIABLE.get) == "inside"
    assert (VARIABLE.get(), other.get("none")) == ("outside", "none")
    VARIABLE.reset(outer)
    block = ps.portal.manage(manager())
    block.__enter__()
    VARIABLE.set("nothing")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(block.__exit__, None, None, None).result()


def interrupted() -> dict[str, Any]:
    raise KeyboardInterrupt


class TestEngines:
    """The four kinds on both engines."""

    def test_each_kind(self, engine: polystore.sync.Polystore) -> None:
        space = engine.workspace("each kind")
        space.kv("cache").put_many({str(n): n for n in range(7)})
        assert sorted(e.value for e in space.kv("cache").scan(batch=2)) == list(range(7))
        space.doc("papers").put_many((f"p{n}", {"year": 2000 + n}) for n in range(5))
        years = [d.data["year"] for d in space.doc("papers").scan(sort="-year", batch=2)]
        assert years == [2004, 2003, 2002, 2001, 2000]
        with space.vector("chunks").bulk():
            space.vector("chunks").upsert(VectorRecord(f"c{n}", [1, n, 0]) for n in range(4))
        assert [hit.id for hit in space.vector("chunks").search([1, 0, 0], k=2)] == ["c0", "c1"]
        space.graph("links").upsert_nodes([Node("a")])
        space.graph("links").upsert_edges(Edge("a", "to", f"b{n}") for n in range(3))
        assert [e.key.target for e in space.graph("links").scan_edges(batch=2)] == [
            "b0",
            "b1",
            "b2",
        ]
        assert "each kind" in engine.workspaces()
        assert {size.store: size.rows for size in space.sizes()}["papers"] == 5
        assert space.drop() == 7 + 5 + 4 + 4 + 3

    def test_a_unit_is_whole_or_nothing(self, engine: polystore.sync.Polystore) -> None:
        space = engine.workspace("units")
        with space.unit_of_work("papers", "links") as unit:
            assert unit.guarantee == "atomic"
            unit.doc("papers").put("a", {"n": 1})
            unit.graph("links").upsert_edges([Edge("a", "to", "b")])
            assert unit.doc("papers").get("a") == {"n": 1}
            assert space.doc("papers").get("a") is None
            with pytest.raises(StoreNotFound):
                unit.kv("cache")
        assert space.doc("papers").get("a") == {"n": 1}

        with pytest.raises(ZeroDivisionError), space.unit_of_work("papers") as unit:
            unit.doc("papers").put("b", {"n": 1 // 0})
        with pytest.raises(KeyboardInterrupt), space.unit_of_work("papers") as unit:
            unit.doc("papers").put("b", interrupted())
        assert space.doc("papers").count() == 1
        with pytest.raises(PolystoreError, match="used once"), unit:
            pytest.fail("entered")
        with pytest.raises(Closed):
            unit.doc("papers")

    def test_units_do_not_nest(self, engine: polystore.sync.Polystore) -> None:
        space = engine.workspace("nested")
        with space.unit_of_work("papers") as unit:
            with pytest.raises(UnsupportedError, match="nest"), space.unit_of_work("papers"):
                pytest.fail("entered")
            unit.doc("papers").put("a", {})
        with space.unit_of_work("papers"):
            assert space.doc("papers").count() == 1

    def test_a_unit_is_tried_again_in_the_callers_thread(
        self, engine: polystore.sync.Polystore
    ) -> None:
        space, threads = engine.workspace("again"), list[int]()

        def work(unit: polystore.sync.UnitOfWork) -> str:
            threads.append(threading.get_ident())
            unit.doc("papers").put("a", {"try": len(threads)})
            if len(threads) < 3:
                raise Conflict("others were quicker", retryable=True)
            return "done"

        assert space.run_unit(work, "papers") == "done"
        assert threads == [threading.get_ident()] * 3
        assert space.doc("papers").get("a") == {"try": 3}

        def never(unit: polystore.sync.UnitOfWork) -> None:
            unit.doc("papers").put("b", {})
            raise Conflict("others were quicker", retryable=True)

        with pytest.raises(Conflict, match="quicker"):
            space.run_unit(never, "papers", attempts=2)
        assert space.doc("papers").count() == 1

    def test_units_of_many_threads(self, engine: polystore.sync.Polystore) -> None:
        space = engine.workspace("many units")

        def work(number: int) -> None:
            with space.unit_of_work("papers", "cache") as unit:
                unit.doc("papers").put(f"d{number}", {"n": number})
                unit.kv("cache").put(f"k{number}", number)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(work, range(24)))
        assert (space.doc("papers").count(), space.kv("cache").count()) == (24, 24)

    def test_closing_with_a_unit_open_rolls_it_back(self, embedded: dict[str, Any]) -> None:
        client = polystore.sync.open(embedded).start()
        unit = client.unit_of_work("papers")
        unit.__enter__()
        unit.doc("papers").put("lost", {})
        client.close()
        with polystore.sync.open(embedded) as again:
            assert again.doc("papers").get("lost") is None

    def test_the_drivers_own_client_is_called_in_its_loop(self, embedded: dict[str, Any]) -> None:
        with polystore.sync.open(embedded) as client:
            assert client.portal.call(client.raw("main").fetchval, "SELECT 1") == 1
