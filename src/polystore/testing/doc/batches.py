"""Many documents at once: order, duplicates, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.errors import UnsupportedError
from polystore.testing.checks import assert_refused
from polystore.testing.doc.base import DocTests
from polystore.testing.outcomes import note_declared

if TYPE_CHECKING:
    from polystore.stores.doc import DocStore


class DocBatches(DocTests):
    """Batches."""

    async def test_order_in_is_order_out(self, docs: DocStore) -> None:
        """Answers stand in the order of the ids asked for, duplicates and absent ones included."""
        await docs.put_many({"b": {"n": 2}, "a": {"n": 1}, "é": {}})
        found = await docs.get_many(["é", "x", "a", "a", "b", "x", "e\u0301", "é"])
        assert [document and document.id for document in found] == [
            "é",
            None,
            "a",
            "a",
            "b",
            None,
            None,
            "é",
        ]

    async def test_last_of_duplicates_wins(self, docs: DocStore) -> None:
        """The same id twice in a batch: the last wins, whole."""
        await docs.put_many([("a", {"n": 1, "x": 1}), ("b", {"n": 1}), ("a", {"n": 2})])
        assert await docs.get("a") == {"n": 2}
        assert await docs.count() == 2

    async def test_delete_counts_what_was_there(self, docs: DocStore) -> None:
        """A duplicate or absent id is not counted."""
        await docs.put_many({"a": {}, "b": {}, "c": {}})
        assert await docs.delete(["a", "absent", "a", "c"]) == 2
        assert await docs.delete("b") == 1
        assert await docs.count() == 0

    async def test_empty_batches(self, docs: DocStore) -> None:
        """Nothing in, nothing done."""
        await docs.put("a", {})
        await docs.put_many({})
        await docs.put_many([])
        assert await docs.get_many([]) == []
        assert await docs.delete([]) == 0
        assert await docs.count() == 1

    async def test_batch_larger_than_one_call(self, docs: DocStore) -> None:
        """Batches of batch_rows - 1, batch_rows and more keep every document, and their order."""
        rows = (await docs.capabilities()).limits.batch_rows
        for size in (rows - 1, rows, rows + 1, 2 * rows + 3):
            items = {f"{size}/{n:05}": {"n": n} for n in range(size)}
            await docs.put_many(items)
            many = await docs.get_many(reversed(items))
            assert [document and document.data["n"] for document in many] == list(
                range(size - 1, -1, -1)
            )
            assert [document.id async for document in docs.scan()] == list(items)
            assert await docs.delete([*items, "absent"]) == size
            assert await docs.count() == 0

    async def test_batch_larger_than_its_bytes(self, docs: DocStore) -> None:
        """A batch of more than batch_bytes is split and kept whole."""
        limits = (await docs.capabilities()).limits
        each = max(limits.batch_bytes // 4, 16)
        if limits.value_bytes is not None:
            each = min(each, limits.value_bytes)
        items = {f"d{n}": {"text": chr(97 + n) * (each - 12)} for n in range(6)}
        await docs.put_many(items)
        many = await docs.get_many(items)
        assert [document and document.data for document in many] == list(items.values())

    async def test_atomic_batch(self, docs: DocStore) -> None:
        """`atomic=True` stores everything, or refuses what is too large and stores nothing."""
        capabilities = await docs.capabilities()
        large = {f"l{n}": {"n": n} for n in range(capabilities.limits.batch_rows + 1)}
        any_size = Feature.ATOMIC_ANY_SIZE in capabilities.features
        note_declared(Feature.ATOMIC_ANY_SIZE, declared=any_size)
        if any_size:
            await docs.put_many(large, atomic=True)
            assert await docs.count() == len(large)
        else:
            await assert_refused(docs, UnsupportedError, lambda: docs.put_many(large, atomic=True))
