"""Expiry and versions, with a clock that the test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore.specdiff import StoredSpec
from polystore.specs import KVSpec
from polystore.types.batches import KVBatch
from polystore_memory.kv import MemoryKV

if TYPE_CHECKING:
    from polystore.types.call import Call
    from polystore_memory.space import Space

    from .conftest import Clock


@pytest.fixture
def driver(space: Space) -> MemoryKV:
    return MemoryKV(space, StoredSpec(KVSpec(name="cache")))


def entry(key: str, value: bytes = b"1", ttl: float | None = None) -> KVBatch:
    return KVBatch([key], [value], [False], [ttl])


async def test_an_expired_entry_is_absent_everywhere(
    driver: MemoryKV, call: Call, clock: Clock
) -> None:
    await driver.put_many(call, entry("k", ttl=10))
    clock.seconds += 9
    assert await driver.count(call) == 1
    clock.seconds += 1
    assert await driver.get_many(call, ["k"]) == [None]
    assert await driver.count(call) == 0
    assert (await driver.scan_page(call, "", None, 10)).items == []
    assert await driver.missing(call, ["k"]) == ["k"]
    assert driver.space.workspaces() == []
    assert await driver.delete_many(call, ["k"]) == 0


async def test_an_expired_entry_counts_as_absent_when_compared(
    driver: MemoryKV, call: Call, clock: Clock
) -> None:
    await driver.put_many(call, entry("k", ttl=10))
    old = (await driver.get_many(call, ["k"]))[0]
    assert old is not None
    clock.seconds += 10
    assert await driver.compare_and_set(call, entry("k"), old.version) is None
    assert await driver.compare_and_set(call, entry("k", b"2"), 0) is not None
    new = (await driver.get_many(call, ["k"]))[0]
    assert new is not None
    assert new.value == 2
    assert old.created_at is not None
    assert new.created_at is not None
    assert new.created_at > old.created_at
    assert new.expires_at is None


async def test_created_at_stays_and_updated_at_moves(
    driver: MemoryKV, call: Call, clock: Clock
) -> None:
    await driver.put_many(call, entry("k"))
    before = (await driver.get_many(call, ["k"]))[0]
    clock.seconds += 5
    await driver.put_many(call, entry("k"))
    after = (await driver.get_many(call, ["k"]))[0]
    assert before is not None
    assert after is not None
    assert after.created_at == before.created_at == before.updated_at
    assert after.updated_at is not None
    assert before.updated_at is not None
    assert (after.updated_at - before.updated_at).total_seconds() == 5


async def test_versions_grow_over_a_delete_and_a_clock_that_goes_back(
    driver: MemoryKV, call: Call, clock: Clock
) -> None:
    versions: list[int] = []
    for step in (0, 0, -1000, 0):
        clock.seconds += step
        await driver.put_many(call, entry("k"))
        found = (await driver.get_many(call, ["k"]))[0]
        assert found is not None
        versions.append(found.version)
        await driver.delete_many(call, ["k"])
    assert versions == sorted(set(versions))
    assert versions[0] == 1_000_000 * 10**6


async def test_expired_entries_do_not_pile_up(driver: MemoryKV, call: Call, clock: Clock) -> None:
    for number in range(50):
        keys = [f"{number}-{row}" for row in range(100)]
        await driver.put_many(call, KVBatch(keys, [b"1"] * 100, [False] * 100, [1.0 for _ in keys]))
        clock.seconds += 1
    assert len(driver.space.committed.table(driver.key(call))) <= 1100


async def test_a_ttl_past_the_end_of_time_never_expires(driver: MemoryKV, call: Call) -> None:
    await driver.put_many(call, entry("k", ttl=1e300))
    found = (await driver.get_many(call, ["k"]))[0]
    assert found is not None
    assert found.expires_at is not None
    assert found.expires_at.year == 9999


async def test_clear_does_not_count_expired_entries(
    driver: MemoryKV, call: Call, clock: Clock
) -> None:
    await driver.put_many(call, entry("a", ttl=1))
    await driver.put_many(call, entry("b"))
    clock.seconds += 2
    assert await driver.clear(call) == 1


async def test_pages_of_a_prefix(driver: MemoryKV, call: Call) -> None:
    for key in ("a", "b", "b\U0010ffff", "bé", "ba", "c"):
        await driver.put_many(call, entry(key))
    keys: list[str] = []
    cursor: str | None = None
    while True:
        page = await driver.scan_page(call, "b", cursor, 2)
        keys += [item.key for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert keys == sorted(["b", "b\U0010ffff", "bé", "ba"])
