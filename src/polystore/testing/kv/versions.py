"""Versions, compare_and_set and put_if_absent, alone and in races."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from polystore.errors import Conflict, InvalidRecord
from polystore.testing.checks import assert_refused
from polystore.testing.kv.base import KVTests

if TYPE_CHECKING:
    from polystore.stores.kv import KVStore

TASKS = 20
ROUNDS = 3


async def version_of(kv: KVStore, key: str) -> int:
    """Return the version of a key that is there."""
    entry = await kv.get_entry(key)
    assert entry is not None
    return entry.version


class KVVersions(KVTests):
    """Optimistic concurrency."""

    async def test_versions_grow(self, kv: KVStore) -> None:
        """Every write of a key gives it a higher version, also of an equal value."""
        seen = [0]
        for _ in range(5):
            await kv.put("a", "same")
            seen.append(await version_of(kv, "a"))
        seen.append(await kv.compare_and_set("a", "same", seen[-1]))
        assert seen == sorted(set(seen))
        assert seen[-1] == await version_of(kv, "a")

    async def test_versions_are_not_used_again(self, kv: KVStore) -> None:
        """A version of before a delete never fits again, so a stale write cannot succeed."""
        versions = [0]
        for _ in range(5):
            await kv.put("a", 1)
            versions.append(await version_of(kv, "a"))
            await kv.delete("a")
        assert versions == sorted(set(versions))
        await kv.put("a", "new")
        for stale in versions[1:]:
            await assert_refused(
                kv, Conflict, lambda stale=stale: kv.compare_and_set("a", "stale", stale)
            )
        await kv.clear()
        await kv.put_if_absent("a", 1)
        assert await version_of(kv, "a") > versions[-1]

    async def test_compare_and_set(self, kv: KVStore) -> None:
        """It stores at the right version only, and returns the new one."""
        await kv.put("a", 1)
        old = await version_of(kv, "a")
        new = await kv.compare_and_set("a", {"n": 2}, old)
        assert new > old
        assert await version_of(kv, "a") == new
        assert await kv.get("a") == {"n": 2}
        for wrong in (0, old, new - 1 if new - 1 != old else old, new + 1, 2**53 - 1):
            await assert_refused(
                kv, Conflict, lambda wrong=wrong: kv.compare_and_set("a", "x", wrong), about=wrong
            )

    async def test_compare_and_set_of_an_absent_key(self, kv: KVStore) -> None:
        """Version 0 means absent; any other version is a conflict there."""
        await assert_refused(kv, Conflict, lambda: kv.compare_and_set("a", 1, 5))
        version = await kv.compare_and_set("a", 1, 0)
        assert version == await version_of(kv, "a")
        await assert_refused(kv, Conflict, lambda: kv.compare_and_set("a", 2, 0))
        await assert_refused(kv, InvalidRecord, lambda: kv.compare_and_set("a", 2, -1))
        await kv.delete("a")
        await assert_refused(kv, Conflict, lambda: kv.compare_and_set("a", 2, version))

    async def test_compare_and_set_keeps_created_at(self, kv: KVStore) -> None:
        """Setting a live entry keeps created_at, as put does."""
        await kv.put("a", 1)
        first = await kv.get_entry("a")
        assert first is not None
        await kv.compare_and_set("a", 2, first.version)
        second = await kv.get_entry("a")
        assert second is not None
        assert second.created_at == first.created_at

    async def test_put_if_absent(self, kv: KVStore) -> None:
        """It stores only where nothing is, and says so."""
        assert await kv.put_if_absent("a", 1) is True
        assert await kv.put_if_absent("a", 2) is False
        assert await kv.get("a") == 1
        await kv.delete("a")
        assert await kv.put_if_absent("a", b"3") is True
        assert await kv.get("a") == b"3"

    async def test_one_of_many_sets_wins(self, kv: KVStore) -> None:
        """Of many that set the same version at the same time exactly one wins, in every round."""
        await kv.put("a", -1)
        for _ in range(ROUNDS):
            version = await version_of(kv, "a")

            async def attempt(number: int, version: int = version) -> int | None:
                try:
                    await kv.compare_and_set("a", number, version)
                except Conflict:
                    return None
                return number

            answers = await asyncio.gather(*(attempt(number) for number in range(TASKS)))
            winners = [number for number in answers if number is not None]
            assert len(winners) == 1
            assert await kv.get("a") == winners[0]

    async def test_a_counter_loses_no_increment(self, kv: KVStore) -> None:
        """Tasks that retry on Conflict count up exactly."""
        await kv.put("counter", 0)

        async def increment() -> None:
            while True:
                entry = await kv.get_entry("counter")
                assert entry is not None
                try:
                    await kv.compare_and_set("counter", entry.value + 1, entry.version)
                except Conflict:
                    continue
                return

        await asyncio.gather(*(increment() for _ in range(TASKS)))
        assert await kv.get("counter") == TASKS

    async def test_one_of_many_puts_if_absent_wins(self, kv: KVStore) -> None:
        """Of many that put the same absent key at the same time exactly one wins."""
        for round_ in range(ROUNDS):
            key = f"k{round_}"
            answers = await asyncio.gather(
                *(kv.put_if_absent(key, number) for number in range(TASKS))
            )
            assert sorted(answers) == [False] * (TASKS - 1) + [True]
            assert await kv.get(key) == answers.index(True)

    async def test_concurrent_batches_in_opposite_order(self, kv: KVStore) -> None:
        """Batches over the same keys in differing order neither deadlock nor mix their rows up."""
        keys = [f"k{n}" for n in range(50)]

        async def write(number: int) -> None:
            ordered = keys if number % 2 else keys[::-1]
            await kv.put_many(dict.fromkeys(ordered, number))

        await asyncio.gather(*(write(number) for number in range(10)))
        assert set(await kv.get_many(keys)) <= set(range(10))
        assert await kv.count() == len(keys)
