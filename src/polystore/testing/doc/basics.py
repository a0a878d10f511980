"""Put, get, delete: one document at a time, and what the system fields say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given

from polystore.testing.checks import assert_same, eventually, fresh_workspace
from polystore.testing.doc.base import INDEXED, DocTests
from polystore.testing.kv.basics import CLOCKS_APART
from polystore.testing.strategies import KEYS, OBJECTS, few
from polystore.testing.values import CONVERTED, JSON_VALUES, LONG_KEYS, ODD_TEXTS

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.doc import DocStore
    from polystore.types.json_domain import JSONValue


class DocBasics(DocTests):
    """Single documents."""

    async def test_absent_is_none(self, docs: DocStore) -> None:
        """What was never put is absent, everywhere."""
        assert await docs.get("absent") is None
        assert await docs.get_document("absent") is None
        assert await docs.get_many(["absent"]) == [None]
        assert await docs.delete("absent") == 0
        assert await docs.patch("absent", {"a": 1}) is None
        assert await docs.count() == 0
        assert (await docs.find(total=True)).items == []

    async def test_put_replaces_the_whole_document(self, docs: DocStore) -> None:
        """Put replaces; it does not merge."""
        await docs.put("a", {"x": 1, "y": {"z": 1}})
        assert await docs.get("a") == {"x": 1, "y": {"z": 1}}
        await docs.put("a", {"y": {"w": 2}})
        assert await docs.get("a") == {"y": {"w": 2}}
        await docs.put("a", {})
        assert await docs.get("a") == {}
        assert await docs.count() == 1

    async def test_system_fields(self, docs: DocStore) -> None:
        """Documents carry timezone-aware times near now, and versions that grow."""
        before = datetime.now(UTC)
        await docs.put("a", {"version": "mine", "created_at": "mine", "id": "mine"})
        first = await docs.get_document("a")
        assert first is not None
        assert first.data == {"version": "mine", "created_at": "mine", "id": "mine"}
        assert first.id == "a"
        assert first.created_at is not None
        assert first.updated_at is not None
        assert first.created_at.utcoffset() == timedelta(0)
        assert abs(first.created_at - before) < CLOCKS_APART
        assert 0 < first.version < 2**53
        started = first.updated_at

        async def moved_on() -> bool:
            await docs.put("a", {})
            document = await docs.get_document("a")
            return bool(document and document.updated_at and document.updated_at > started)

        await eventually(moved_on, what="updated_at of a document that is put again is later")
        second = await docs.get_document("a")
        assert second is not None
        assert second.created_at == first.created_at
        assert second.version > first.version

    async def test_reads_agree_about_system_fields(self, docs: DocStore) -> None:
        """get_document, get_many, find and scan give the same documents."""
        await docs.put_many({f"d{n}": {"n": n} for n in range(5)})
        await docs.patch("d1", {"more": True})
        many = await docs.get_many([f"d{n}" for n in range(5)])
        assert many == [await docs.get_document(f"d{n}") for n in range(5)]
        assert many == (await docs.find()).items
        assert many == [document async for document in docs.scan(batch=2)]

    async def test_values(self, docs: DocStore) -> None:
        """Every value of the domain comes back equal, from get and from find."""
        items = {
            f"k{n:04}": {"v": value, "in": {"x": [value]}} for n, value in enumerate(JSON_VALUES)
        }
        await docs.put_many(items)
        for id_, data in items.items():
            assert_same(await docs.get(id_), data, about=str(data)[:80])
        for document in (await docs.find(limit=len(items))).items:
            assert_same(document.data, items[document.id], about=str(items[document.id])[:80])

    async def test_converted_values(self, docs: DocStore) -> None:
        """Datetimes, tuples and -0.0 come back in their one form."""
        for given_value, expected in CONVERTED:
            await docs.put("d", {"v": given_value})
            assert_same(await docs.get("d"), {"v": expected}, about=repr(given_value))

    async def test_odd_ids(self, docs: DocStore) -> None:
        """Ids of any text are kept apart and come back as they are, in order of code points."""
        items = {id_: {"n": n} for n, id_ in enumerate([*ODD_TEXTS, *LONG_KEYS])}
        await docs.put_many(items)
        assert await docs.count() == len(items)
        many = await docs.get_many(items)
        assert [document and (document.id, document.data) for document in many] == list(
            items.items()
        )
        found = (await docs.find(limit=len(items))).items
        assert [document.id for document in found] == sorted(items)
        for id_, data in items.items():
            assert await docs.get(id_) == data
            assert await docs.delete(id_) == 1
        assert await docs.count() == 0

    async def test_answers_do_not_alias(self, docs: DocStore) -> None:
        """Changing what was put or got does not change what is stored."""
        given_data = {"x": [1]}
        await docs.put("a", given_data)
        given_data["x"].append(2)
        got = await docs.get("a")
        assert got is not None
        assert got == {"x": [1]}
        got["x"].append(3)
        found = (await docs.find()).items[0]
        found.data["x"].append(4)
        assert await docs.get("a") == {"x": [1]}

    async def test_clear(self, docs: DocStore) -> None:
        """Clear deletes everything, says how much, and leaves a usable store."""
        await docs.put_many({str(n): {"n": n} for n in range(7)})
        assert await docs.clear() == 7
        assert await docs.clear() == 0
        assert (await docs.find()).items == []
        await docs.put("3", {"n": 3})
        assert await docs.count() == 1

    @few
    @given(id_=KEYS, data=OBJECTS)
    async def test_any_document(
        self, client: Polystore, id_: str, data: dict[str, JSONValue]
    ) -> None:
        """Whatever lies in the domain comes back equal."""
        docs = client.workspace(fresh_workspace()).doc(INDEXED)
        await docs.put(id_, data)
        assert_same(await docs.get(id_), data)
