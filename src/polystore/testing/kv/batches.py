"""Many keys at once: order, duplicates, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.errors import UnsupportedError
from polystore.testing.checks import assert_refused
from polystore.testing.kv.base import KVTests
from polystore.testing.outcomes import note_declared

if TYPE_CHECKING:
    from polystore.stores.kv import KVStore


class KVBatches(KVTests):
    """Batches."""

    async def test_order_in_is_order_out(self, kv: KVStore) -> None:
        """Answers stand in the order of the keys asked for, duplicates and absent ones included."""
        await kv.put_many({"b": 2, "a": 1, "c": None, "é": 4})
        asked = ["é", "absent", "a", "a", "c", "b", "absent", "e\u0301", "é"]
        assert await kv.get_many(asked) == [4, None, 1, 1, None, 2, None, None, 4]
        entries = await kv.get_entries(asked)
        assert [entry and entry.key for entry in entries] == [
            "é",
            None,
            "a",
            "a",
            "c",
            "b",
            None,
            None,
            "é",
        ]

    async def test_missing_keeps_order_and_says_each_once(self, kv: KVStore) -> None:
        """`missing` gives the absent keys in order, each once."""
        await kv.put_many({"b": 1, "d": None})
        assert await kv.missing(["z", "b", "a", "z", "d", "A"]) == ["z", "a", "A"]
        assert await kv.missing(["b", "d"]) == []
        assert await kv.missing([]) == []

    async def test_last_of_duplicates_wins(self, kv: KVStore) -> None:
        """The same key twice in a batch: the last wins, and it is one entry."""
        await kv.put_many([("a", 1), ("b", 1), ("a", b"2"), ("c", 1), ("a", 3)])
        assert await kv.get_many(["a", "b", "c"]) == [3, 1, 1]
        assert await kv.count() == 3

    async def test_delete_counts_what_was_there(self, kv: KVStore) -> None:
        """A duplicate or absent key is not counted."""
        await kv.put_many({"a": 1, "b": 2, "c": 3})
        assert await kv.delete_many(["a", "absent", "a", "c"]) == 2
        assert await kv.delete_many(["a", "c"]) == 0
        assert await kv.get_many(["a", "b", "c"]) == [None, 2, None]

    async def test_empty_batches(self, kv: KVStore) -> None:
        """Nothing in, nothing done."""
        await kv.put("a", 1)
        await kv.put_many({})
        await kv.put_many([])
        assert await kv.get_many([]) == []
        assert await kv.delete_many([]) == 0
        assert await kv.count() == 1

    async def test_batch_larger_than_one_call(self, kv: KVStore) -> None:
        """Batches of batch_rows - 1, batch_rows and more keep every row, and their order."""
        rows = (await kv.capabilities()).limits.batch_rows
        for size in (rows - 1, rows, rows + 1, 2 * rows + 3):
            items = {f"{size}/{n}": n for n in range(size)}
            await kv.put_many(items)
            keys = list(reversed(items))
            assert await kv.get_many(keys) == list(range(size - 1, -1, -1))
            assert await kv.missing([*keys, "absent"]) == ["absent"]
            assert await kv.count() == size
            assert len({entry.key async for entry in kv.scan()}) == size
            assert await kv.delete_many([*keys, "absent"]) == size
            assert await kv.count() == 0

    async def test_duplicates_across_calls(self, kv: KVStore) -> None:
        """The last of equal keys wins also when they would fall into different calls."""
        rows = (await kv.capabilities()).limits.batch_rows
        pairs = [("twice", "first"), *((f"k{n}", n) for n in range(rows)), ("twice", "last")]
        await kv.put_many(pairs)
        assert await kv.get("twice") == "last"
        assert await kv.count() == rows + 1

    async def test_batch_larger_than_its_bytes(self, kv: KVStore) -> None:
        """A batch of more than batch_bytes is split and kept whole."""
        limits = (await kv.capabilities()).limits
        each = max(limits.batch_bytes // 4, 1)
        if limits.value_bytes is not None:
            each = min(each, limits.value_bytes)
        values = {f"k{n}": bytes([n]) * each for n in range(6)}
        await kv.put_many(values)
        assert await kv.get_many(values) == list(values.values())

    async def test_atomic_batch(self, kv: KVStore) -> None:
        """`atomic=True` stores everything, or refuses what is too large and stores nothing."""
        limits = (await kv.capabilities()).limits
        small = {f"s{n}": n for n in range(min(limits.atomic_batch, limits.batch_rows, 50))}
        await kv.put_many(small, atomic=True)
        assert await kv.get_many(small) == list(small.values())
        large = {f"l{n}": n for n in range(limits.batch_rows + 1)}
        any_size = Feature.ATOMIC_ANY_SIZE in (await kv.capabilities()).features
        note_declared(Feature.ATOMIC_ANY_SIZE, declared=any_size)
        if any_size:
            await kv.put_many(large, atomic=True)
            assert await kv.get_many(large) == list(large.values())
        else:
            await assert_refused(kv, UnsupportedError, lambda: kv.put_many(large, atomic=True))
