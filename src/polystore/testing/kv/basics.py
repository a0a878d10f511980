"""Put, get, delete: one key at a time, and what the system fields say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from polystore.testing.checks import eventually
from polystore.testing.kv.base import KVTests

if TYPE_CHECKING:
    from polystore.stores.kv import KVStore

CLOCKS_APART = timedelta(minutes=10)
"""How far a server's clock may be from this machine's before the kit complains."""


class KVBasics(KVTests):
    """Single keys."""

    async def test_absent_is_none(self, kv: KVStore) -> None:
        """What was never put is absent, everywhere."""
        assert await kv.get("absent") is None
        assert await kv.get_entry("absent") is None
        assert await kv.get_many(["absent"]) == [None]
        assert await kv.get_entries(["absent"]) == [None]
        assert await kv.delete("absent") is False
        assert await kv.count() == 0
        assert [entry async for entry in kv.scan()] == []

    async def test_put_then_get(self, kv: KVStore) -> None:
        """A value put is the value got, and nothing else appears."""
        await kv.put("a", {"x": [1, None]})
        assert await kv.get("a") == {"x": [1, None]}
        assert await kv.get("b") is None
        assert await kv.count() == 1

    async def test_put_replaces_the_whole_value(self, kv: KVStore) -> None:
        """Put replaces; it does not merge."""
        await kv.put("a", {"x": 1, "y": {"z": 1}})
        await kv.put("a", {"y": {"w": 2}})
        assert await kv.get("a") == {"y": {"w": 2}}
        await kv.put("a", b"bytes now")
        assert await kv.get("a") == b"bytes now"
        await kv.put("a", "text now")
        assert await kv.get("a") == "text now"
        assert await kv.count() == 1

    async def test_stored_null_is_not_absent(self, kv: KVStore) -> None:
        """`get_entry`, `missing`, `count` and `delete` tell a stored null from an absent key."""
        await kv.put("null", None)
        entry = await kv.get_entry("null")
        assert entry is not None
        assert entry.value is None
        assert await kv.missing(["null", "absent"]) == ["absent"]
        assert await kv.count() == 1
        assert await kv.put_if_absent("null", 1) is False
        assert await kv.delete("null") is True

    async def test_empty_values_are_not_absent(self, kv: KVStore) -> None:
        """Empty text, bytes, arrays and objects, zero and false are values."""
        values: dict[str, Any] = {
            "text": "",
            "bytes": b"",
            "list": [],
            "object": {},
            "zero": 0,
            "false": False,
        }
        await kv.put_many(values)
        assert await kv.missing(values) == []
        assert dict(zip(values, await kv.get_many(values), strict=True)) == values
        # The values alone and the entries are asked for in two ways.
        entries = await kv.get_entries(values)
        assert {e.key: e.value for e in entries if e is not None} == values
        assert [await kv.get(key) for key in values] == list(values.values())

    async def test_delete_says_whether_it_was_there(self, kv: KVStore) -> None:
        """Delete removes that key only, and says whether it was there."""
        await kv.put_many({"a": 1, "b": 2})
        assert await kv.delete("a") is True
        assert await kv.delete("a") is False
        assert await kv.get("a") is None
        assert await kv.get("b") == 2
        assert await kv.count() == 1

    async def test_clear(self, kv: KVStore) -> None:
        """Clear deletes everything, says how much, and leaves a usable store."""
        await kv.put_many({str(n): n for n in range(7)})
        assert await kv.clear() == 7
        assert await kv.clear() == 0
        assert await kv.count() == 0
        assert await kv.get("3") is None
        await kv.put("3", 3)
        assert await kv.count() == 1

    async def test_entry_has_its_times(self, kv: KVStore) -> None:
        """Entries carry timezone-aware times near now, a version, and no expiry unless asked."""
        before = datetime.now(UTC)
        await kv.put("a", 1)
        entry = await kv.get_entry("a")
        assert entry is not None
        assert entry.key == "a"
        assert entry.created_at is not None
        assert entry.updated_at is not None
        assert entry.created_at.utcoffset() == timedelta(0)
        assert abs(entry.created_at - before) < CLOCKS_APART
        assert entry.created_at <= entry.updated_at
        assert entry.expires_at is None
        assert 0 < entry.version < 2**53

    async def test_replacing_keeps_created_at(self, kv: KVStore) -> None:
        """A replacing put keeps created_at, and moves updated_at and version on."""
        await kv.put("a", 1)
        first = await kv.get_entry("a")
        assert first is not None
        assert first.updated_at is not None
        started = first.updated_at

        async def moved_on() -> bool:
            await kv.put("a", 2)
            entry = await kv.get_entry("a")
            return entry is not None and entry.updated_at is not None and entry.updated_at > started

        await eventually(moved_on, what="updated_at of a key that is put again is later")
        second = await kv.get_entry("a")
        assert second is not None
        assert second.created_at == first.created_at
        assert second.version > first.version

    async def test_created_at_starts_anew_after_delete(self, kv: KVStore) -> None:
        """A key that was deleted and put again is a new entry."""
        await kv.put("a", 1)
        first = await kv.get_entry("a")
        assert first is not None
        assert first.created_at is not None
        started = first.created_at

        async def anew() -> bool:
            await kv.delete("a")
            await kv.put("a", 1)
            entry = await kv.get_entry("a")
            return entry is not None and entry.created_at is not None and entry.created_at > started

        await eventually(anew, what="created_at of a key that was deleted and put again is later")

    async def test_answers_do_not_alias(self, kv: KVStore) -> None:
        """Changing what was put or got does not change what is stored."""
        given = {"x": [1]}
        await kv.put("a", given)
        given["x"].append(2)
        got = await kv.get("a")
        assert got == {"x": [1]}
        got["x"].append(3)
        assert await kv.get("a") == {"x": [1]}
