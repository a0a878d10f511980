"""What lies outside the domain is refused before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidRecord, LimitExceeded
from polystore.testing.checks import assert_raises, assert_refused
from polystore.testing.kv.base import KVTests
from polystore.testing.outcomes import not_applicable
from polystore.testing.values import (
    REFUSED_TEXTS,
    REFUSED_VALUES,
    TOO_LONG_KEYS,
    refused_objects,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.stores.kv import KVStore


def uses_of(kv: KVStore, key: Any) -> list[Callable[[], Awaitable[Any]]]:
    """Return every call that takes a key."""
    return [
        lambda: kv.get(key),
        lambda: kv.get_entry(key),
        lambda: kv.get_many(["a", key]),
        lambda: kv.missing(["a", key]),
        lambda: kv.put(key, 1),
        lambda: kv.put_many([("a", 2), (key, 1)]),
        lambda: kv.put_if_absent(key, 1),
        lambda: kv.compare_and_set(key, 1, 0),
        lambda: kv.delete(key),
        lambda: kv.delete_many(["a", key]),
    ]


class KVRefusals(KVTests):
    """Bad input."""

    async def test_keys_outside_the_domain(self, kv: KVStore) -> None:
        """Empty keys, NUL, lone surrogates and what is no text are refused everywhere."""
        await kv.put("a", 1)
        for key in ("", *REFUSED_TEXTS, 1, None, b"a", ("a",)):
            for use in uses_of(kv, key):
                await assert_raises(InvalidRecord, use, about=key)
        assert await kv.get("a") == 1
        assert await kv.count() == 1

    async def test_keys_over_the_limit(self, kv: KVStore) -> None:
        """512 bytes of UTF-8 work, 513 are refused: bytes count, not characters."""
        await kv.put("a", 1)
        for key in TOO_LONG_KEYS:
            for use in uses_of(kv, key):
                await assert_raises(LimitExceeded, use)
        assert await kv.count() == 1
        for key in TOO_LONG_KEYS:
            await kv.put(key[1:] if key[0] == "k" else key[:-1], 2)
        assert await kv.count() == 1 + len(TOO_LONG_KEYS)

    async def test_values_outside_the_domain(self, kv: KVStore) -> None:
        """Values that not every engine can hold are refused; what was stored stays."""
        await kv.put("a", 1)
        for value in (*REFUSED_VALUES, *refused_objects()):
            await assert_raises(
                InvalidRecord, lambda value=value: kv.put("a", value), about=repr(value)[:80]
            )
            await assert_raises(
                InvalidRecord, lambda value=value: kv.put_if_absent("b", value), about=value
            )
        entry = await kv.get_entry("a")
        assert entry is not None
        await assert_refused(
            kv, InvalidRecord, lambda: kv.compare_and_set("a", float("nan"), entry.version)
        )
        assert await kv.count() == 1
        assert await kv.get("a") == 1

    async def test_one_bad_row_stores_none(self, kv: KVStore) -> None:
        """A batch with a bad value or key is refused as a whole, before any of it is stored."""
        rows = (await kv.capabilities()).limits.batch_rows
        good = [(f"k{n}", n) for n in range(rows + 1)]
        for bad in (("z", float("nan")), ("z", {1: 2}), ("\x00", 1), ("", 1), ("k" * 513, 1)):
            await assert_raises(InvalidRecord, lambda bad=bad: kv.put_many([*good, bad]))
        assert await kv.count() == 0

    async def test_value_limit(self, kv: KVStore) -> None:
        """A value of exactly the declared limit is kept, one byte more is refused."""
        limit = (await kv.capabilities()).limits.value_bytes
        if limit is None:
            not_applicable("there is no such limit")
            return
        value = b"x" * limit
        await kv.put("a", value)
        await assert_raises(LimitExceeded, lambda: kv.put("a", value + b"x"))
        await assert_raises(LimitExceeded, lambda: kv.put_if_absent("b", value + b"x"))
        assert await kv.get("a") == value
        assert await kv.delete("a") is True

    async def test_one_text_is_no_list_of_keys(self, kv: KVStore) -> None:
        """A text where several keys belong is refused instead of being taken letter by letter."""
        await kv.put_many({"a": 1, "b": 2})
        await assert_refused(kv, InvalidRecord, lambda: kv.delete_many("ab"))
        await assert_raises(InvalidRecord, lambda: kv.get_many("ab"))
        await assert_raises(InvalidRecord, lambda: kv.missing("ab"))
