"""Units of work: what is refused, what is rolled back, what is tried again."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

import polystore
from polystore.errors import (
    Closed,
    ConfigError,
    Conflict,
    StoreNotFound,
    UnsupportedError,
)
from polystore.units import unit as units

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

CONFIG = {
    "backends": {"one": {"use": "memory"}, "two": {"use": "memory"}},
    "defaults": {"kv": "one", "doc": "one"},
    "stores": {
        "cache": {"kind": "kv"},
        "docs": {"kind": "doc"},
        "far": {"kind": "kv", "backend": "two"},
    },
}


@pytest.fixture
async def ps() -> AsyncGenerator[polystore.Polystore]:
    async with polystore.open(CONFIG) as client:
        yield client


async def test_all_of_it_or_nothing(ps: polystore.Polystore) -> None:
    async def fail_in_the_end() -> None:
        async with ps.unit_of_work("cache", "docs") as unit:
            await unit.kv("cache").put("a", 1)
            await unit.doc("docs").put("d", {"a": 1})
            assert await unit.kv("cache").get("a") == 1
            assert await ps.kv("cache").get("a") is None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_in_the_end()
    assert await ps.kv("cache").get("a") is None
    async with ps.unit_of_work("cache", "docs") as unit:
        assert unit.guarantee == "atomic"
        await unit.kv("cache").put("a", 1)
        await unit.doc("docs").put("d", {"a": 1})
    assert await ps.kv("cache").get("a") == 1
    assert await ps.doc("docs").get("d") == {"a": 1}


async def test_what_cannot_be_is_refused_before_it_starts(ps: polystore.Polystore) -> None:
    with pytest.raises(ConfigError, match="names its stores"):
        ps.unit_of_work()
    with pytest.raises(ConfigError, match="no isolation level"):
        ps.unit_of_work("cache", isolation=cast("Any", "READ COMMITTED"))
    with pytest.raises(StoreNotFound, match="declared stores only"):
        ps.unit_of_work("nowhere")
    with pytest.raises(UnsupportedError, match="one, two"):
        ps.unit_of_work("cache", "far")


async def test_only_named_stores_take_part(ps: polystore.Polystore) -> None:
    async with ps.unit_of_work("cache") as unit:
        with pytest.raises(StoreNotFound, match="'cache', 'docs'"):
            unit.doc("docs")


async def test_a_unit_is_used_once_and_inside_its_block(ps: polystore.Polystore) -> None:
    unit = ps.unit_of_work("cache")
    with pytest.raises(Closed):
        unit.kv("cache")
    async with unit:
        store = unit.kv("cache")
    with pytest.raises(Closed):
        unit.kv("cache")
    with pytest.raises(Closed):
        await store.get("a")
    with pytest.raises(Closed, match="used once"):
        await unit.__aenter__()


async def test_units_do_not_nest(ps: polystore.Polystore) -> None:
    async with ps.unit_of_work("cache"):
        with pytest.raises(UnsupportedError, match="do not nest"):
            async with ps.unit_of_work("docs"):
                pass
    async with ps.unit_of_work("docs"):
        pass


async def test_a_task_begun_in_a_unit_may_have_its_own_later(ps: polystore.Polystore) -> None:
    go = asyncio.Event()

    async def later() -> str:
        await go.wait()
        async with ps.unit_of_work("cache") as unit:
            await unit.kv("cache").put("late", 1)
        return "done"

    async with ps.unit_of_work("cache"):
        task = asyncio.create_task(later())
    go.set()
    assert await task == "done"


async def test_cancellation_leaves_nothing(ps: polystore.Polystore) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with ps.unit_of_work("cache") as unit:
            await unit.kv("cache").put("a", 1)
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await ps.kv("cache").get("a") is None
    async with ps.unit_of_work("cache") as unit:
        await unit.kv("cache").put("a", 2)


async def test_a_long_unit_is_warned_about(
    ps: polystore.Polystore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(units, "LONG_UNIT", 0.0)
    with caplog.at_level(logging.WARNING, "polystore"):
        async with ps.unit_of_work("cache"):
            pass
    assert "cache" in caplog.text


async def test_run_unit_tries_again_what_others_made_impossible(ps: polystore.Polystore) -> None:
    tries: list[int] = []

    async def work(unit: polystore.UnitOfWork) -> str:
        await unit.kv("cache").put(f"try {len(tries)}", 1)
        tries.append(len(tries))
        if len(tries) < 3:
            raise Conflict("deadlock", retryable=True)
        return "done"

    assert await ps.run_unit(work, "cache") == "done"
    assert [entry.key async for entry in ps.kv("cache").scan()] == ["try 2"]


async def test_run_unit_gives_up(ps: polystore.Polystore) -> None:
    tries: list[int] = []

    async def work(_: polystore.UnitOfWork) -> None:
        tries.append(1)
        raise Conflict("again", retryable=True)

    async def lost(_: polystore.UnitOfWork) -> None:
        tries.append(1)
        raise Conflict("another version")

    with pytest.raises(Conflict, match="again"):
        await ps.run_unit(work, "cache", attempts=2)
    with pytest.raises(Conflict, match="version"):
        await ps.run_unit(lost, "cache")
    assert len(tries) == 3
