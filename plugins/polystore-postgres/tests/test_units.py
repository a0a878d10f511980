"""Units of work on a real server: isolation, deadlocks, and trying again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import polystore
from polystore.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore.types.call import Isolation


@pytest.fixture
async def ps(postgres_dsn: str) -> AsyncGenerator[polystore.Polystore]:
    config = {
        "backends": {"main": {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}},
        "stores": {"accounts": {"kind": "kv"}},
    }
    async with polystore.open(config) as client:
        await client.kv("accounts").put_many({"a": 100, "b": 100})
        yield client


async def both_in_turn(
    ps: polystore.Polystore, isolation: Isolation, order: tuple[str, str]
) -> list[object]:
    """Run two units that each read both accounts, meet, and then each write one of them."""
    meet = asyncio.Barrier(2)

    async def withdraw(key: str) -> None:
        async with ps.unit_of_work("accounts", isolation=isolation) as unit:
            a, b = await unit.kv("accounts").get_many(["a", "b"])
            await meet.wait()
            if a + b >= 200:
                await unit.kv("accounts").put(key, -100)

    return await asyncio.gather(*map(withdraw, order), return_exceptions=True)


async def test_serializable_forbids_write_skew(ps: polystore.Polystore) -> None:
    results = await both_in_turn(ps, "serializable", ("a", "b"))
    failed = [result for result in results if result is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], Conflict)
    assert failed[0].retryable
    assert sum(await ps.kv("accounts").get_many(["a", "b"])) == 0


async def test_repeatable_read_forbids_a_lost_update(ps: polystore.Polystore) -> None:
    results = await both_in_turn(ps, "repeatable read", ("a", "a"))
    assert [type(result) for result in results if result is not None] == [Conflict]


async def test_counting_in_concurrent_units_loses_nothing(ps: polystore.Polystore) -> None:
    async def add(unit: polystore.UnitOfWork) -> None:
        balance = await unit.kv("accounts").get("a")
        await unit.kv("accounts").put("a", balance + 1)

    runs = (
        ps.run_unit(add, "accounts", attempts=50, isolation="repeatable read") for _ in range(12)
    )
    await asyncio.gather(*runs)
    assert await ps.kv("accounts").get("a") == 112


async def test_a_deadlock_is_a_conflict_and_passes_when_tried_again(
    ps: polystore.Polystore,
) -> None:
    met = 0
    both = asyncio.Event()

    async def cross(unit: polystore.UnitOfWork, first: str, second: str) -> None:
        nonlocal met
        await unit.kv("accounts").put(first, 1)
        met += 1
        if met == 2:
            both.set()
        await both.wait()
        await unit.kv("accounts").put(second, 2)

    await asyncio.gather(
        ps.run_unit(lambda unit: cross(unit, "a", "b"), "accounts"),
        ps.run_unit(lambda unit: cross(unit, "b", "a"), "accounts"),
    )
    assert met > 2
    assert sorted(await ps.kv("accounts").get_many(["a", "b"])) == [1, 2]
