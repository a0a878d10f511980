"""Keys and values come back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given

from polystore.testing.checks import assert_same, fresh_workspace
from polystore.testing.kv.base import KVTests
from polystore.testing.strategies import JSON, KEYS, few
from polystore.testing.values import (
    BYTES_VALUES,
    CONVERTED,
    JSON_VALUES,
    LONG_KEYS,
    ODD_TEXTS,
)

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.kv import KVStore
    from polystore.types.json_domain import JSONValue


class KVValues(KVTests):
    """Round trips."""

    async def test_json_values(self, kv: KVStore) -> None:
        """Every value of the domain comes back equal, alone and in a batch."""
        keys = [f"k{n}" for n in range(len(JSON_VALUES))]
        await kv.put_many(zip(keys, JSON_VALUES, strict=True))
        for key, value, got in zip(keys, JSON_VALUES, await kv.get_many(keys), strict=True):
            assert_same(got, value, about=repr(value)[:80])
            assert_same(await kv.get(key), value, about=repr(value)[:80])

    async def test_bytes_are_exact(self, kv: KVStore) -> None:
        """Bytes come back as bytes, all 256 values of them, and none at all."""
        keys = [f"b{n}" for n in range(len(BYTES_VALUES))]
        await kv.put_many(zip(keys, BYTES_VALUES, strict=True))
        got = await kv.get_many(keys)
        assert got == list(BYTES_VALUES)
        assert all(type(value) is bytes for value in got)

    async def test_bytes_and_text_stay_apart(self, kv: KVStore) -> None:
        """Bytes that look like JSON stay bytes, text that looks like bytes stays text."""
        await kv.put_many({"bytes": b'"a"', "text": "a", "json": '"a"', "array": bytearray(b"a")})
        assert await kv.get_many(["bytes", "text", "json", "array"]) == [b'"a"', "a", '"a"', b"a"]

    async def test_a_megabyte(self, kv: KVStore) -> None:
        """Large values are kept, as far as the declared limit allows."""
        limit = (await kv.capabilities()).limits.value_bytes
        size = 2**20 if limit is None else min(2**20, limit - 2)
        await kv.put_many({"text": "x" * size, "bytes": b"\xff" * size})
        assert await kv.get("text") == "x" * size
        assert await kv.get("bytes") == b"\xff" * size

    async def test_converted_values(self, kv: KVStore) -> None:
        """Datetimes, tuples and -0.0 come back in their one form."""
        for given_value, expected in CONVERTED:
            await kv.put("k", given_value)
            assert_same(await kv.get("k"), expected, about=repr(given_value))
        await kv.put("k", -0.0)
        assert str(await kv.get("k")) in {"0", "0.0"}

    async def test_odd_keys(self, kv: KVStore) -> None:
        """Keys of any text are kept apart and come back as they are."""
        items = {key: number for number, key in enumerate([*ODD_TEXTS, *LONG_KEYS])}
        await kv.put_many(items)
        assert await kv.count() == len(items)
        assert await kv.get_many(items) == list(items.values())
        assert {entry.key: entry.value async for entry in kv.scan()} == items
        assert await kv.missing(items) == []
        for key, value in items.items():
            entry = await kv.get_entry(key)
            assert entry is not None, key
            assert (entry.key, entry.value) == (key, value)
        for number, key in enumerate(items):
            assert await kv.delete(key) is True, key
            assert await kv.count() == len(items) - number - 1

    @few
    @given(key=KEYS, value=JSON)
    async def test_any_value(self, client: Polystore, key: str, value: JSONValue) -> None:
        """Whatever lies in the domain comes back equal."""
        kv = client.workspace(fresh_workspace()).kv("kit_kv")
        await kv.put(key, value)
        assert_same(await kv.get(key), value)
