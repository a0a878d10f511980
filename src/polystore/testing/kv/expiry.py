"""Entries that expire: absent everywhere from that moment on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from polystore.capabilities import Feature
from polystore.errors import Conflict, InvalidRecord, PolystoreError
from polystore.testing.checks import (
    assert_raises,
    assert_refused,
    declared,
    eventually,
    fresh_workspace,
)
from polystore.testing.kv.base import KVTests
from polystore.testing.kv.basics import CLOCKS_APART
from polystore.testing.opening import open_with
from polystore.testing.outcomes import note_refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.stores.kv import KVStore

SOON = 0.3
"""Seconds that a short-lived entry lives."""


async def put_with_ttl(kv: KVStore) -> None:
    """Use what `ttl` declares."""
    await kv.put("k", 1, ttl=60)


async def until_gone(kv: KVStore, key: str) -> None:
    """Wait until an entry has expired."""

    async def gone() -> bool:
        return await kv.get_entry(key) is None

    await eventually(gone, what=f"the entry {key!r} expires")


class KVExpiry(KVTests):
    """Time to live."""

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_expired_is_absent_everywhere(self, kv: KVStore) -> None:
        """An expired entry is not returned, counted, scanned, deleted or found present."""
        await kv.put("stays", 1)
        await kv.put("goes", 2, ttl=SOON)
        await until_gone(kv, "goes")
        assert await kv.get("goes") is None
        assert await kv.get_many(["goes", "stays"]) == [None, 1]
        assert await kv.get_entries(["goes"]) == [None]
        assert await kv.missing(["goes", "stays"]) == ["goes"]
        assert await kv.count() == 1
        assert [entry.key async for entry in kv.scan()] == ["stays"]
        assert [entry.key async for entry in kv.scan("g")] == []
        assert await kv.delete("goes") is False
        assert await kv.delete_many(["goes", "stays"]) == 1

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_expired_is_not_cleared(self, kv: KVStore) -> None:
        """Clear does not count what has expired."""
        await kv.put_many({"a": 1, "b": 2})
        await kv.put("goes", 2, ttl=SOON)
        await until_gone(kv, "goes")
        assert await kv.clear() == 2

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_live_until_it_expires(self, kv: KVStore) -> None:
        """An entry with a long time to live is there, and says when it expires."""
        await kv.put("a", 1, ttl="1h")
        await kv.put("b", 1, ttl=7200.0)
        for key, lives in (("a", timedelta(hours=1)), ("b", timedelta(hours=2))):
            entry = await kv.get_entry(key)
            assert entry is not None
            assert entry.expires_at is not None
            assert abs(entry.expires_at - datetime.now(UTC) - lives) < CLOCKS_APART
            assert entry.expires_at.utcoffset() == timedelta(0)
        assert await kv.count() == 2
        assert [entry.expires_at is not None async for entry in kv.scan()] == [True, True]

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_put_replaces_the_expiry(self, kv: KVStore) -> None:
        """A put without a ttl makes an entry that stays; one with a ttl makes it go."""
        await kv.put("a", 1, ttl=SOON)
        await kv.put("a", 2)
        await kv.put("b", 1)
        await kv.put("b", 2, ttl=SOON)
        await until_gone(kv, "b")
        entry = await kv.get_entry("a")
        assert entry is not None
        assert (entry.value, entry.expires_at) == (2, None)

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_compare_and_set_takes_an_expired_entry_for_absent(self, kv: KVStore) -> None:
        """The version of an expired entry is stale; 0 fits, and a higher version comes of it."""
        await kv.put("a", 1, ttl=SOON)
        first = await kv.get_entry("a")
        assert first is not None
        await until_gone(kv, "a")
        await assert_refused(kv, Conflict, lambda: kv.compare_and_set("a", 2, first.version))
        assert await kv.compare_and_set("a", 3, 0) > first.version
        assert await kv.get("a") == 3

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_put_if_absent_takes_an_expired_entry_for_absent(self, kv: KVStore) -> None:
        """An expired entry does not block, and the entry that follows is a new one."""
        await kv.put("a", 1, ttl=SOON)
        first = await kv.get_entry("a")
        assert first is not None
        assert await kv.put_if_absent("a", 2) is False
        await until_gone(kv, "a")
        assert await kv.put_if_absent("a", 2, ttl="1h") is True
        second = await kv.get_entry("a")
        assert second is not None
        assert second.version > first.version
        assert second.created_at is not None
        assert first.created_at is not None
        assert second.created_at > first.created_at
        assert second.expires_at is not None

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_put_over_an_expired_entry_starts_anew(self, kv: KVStore) -> None:
        """created_at starts anew where the old entry had expired; the version goes on."""
        await kv.put("a", 1, ttl=SOON)
        first = await kv.get_entry("a")
        assert first is not None
        await until_gone(kv, "a")
        await kv.put("a", 2)
        second = await kv.get_entry("a")
        assert second is not None
        assert second.created_at is not None
        assert first.created_at is not None
        assert second.created_at > first.created_at
        assert second.version > first.version

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_compare_and_set_sets_the_expiry(self, kv: KVStore) -> None:
        """compare_and_set replaces the expiry too."""
        await kv.put("a", 1, ttl="1h")
        first = await kv.get_entry("a")
        assert first is not None
        version = await kv.compare_and_set("a", 2, first.version)
        second = await kv.get_entry("a")
        assert second is not None
        assert second.expires_at is None
        await kv.compare_and_set("a", 3, version, ttl=SOON)
        await until_gone(kv, "a")

    @declared(Feature.TTL, otherwise=put_with_ttl)
    async def test_a_whole_batch_expires(self, kv: KVStore) -> None:
        """A ttl of a batch holds for every entry in it."""
        rows = (await kv.capabilities()).limits.batch_rows
        await kv.put_many({f"k{n}": n for n in range(rows + 1)}, ttl=SOON)

        async def none_left() -> bool:
            return await kv.count() == 0

        await eventually(none_left, what="every entry of a batch with a ttl expires")
        assert [entry async for entry in kv.scan()] == []

    async def test_senseless_ttl(self, kv: KVStore) -> None:
        """Zero, negative and unreadable times to live are refused; nothing is stored."""
        await kv.put("a", 1)
        senseless: tuple[Any, ...] = (0, -1, -0.5, "soon", "", "0s", "-5m", float("nan"), True)
        for ttl in senseless:
            await assert_refused(kv, PolystoreError, lambda ttl=ttl: kv.put("a", 2, ttl=ttl))
        await assert_refused(kv, InvalidRecord, lambda: kv.put_if_absent("b", 2, ttl=0))

    async def test_default_ttl_of_the_store(self, kv: KVStore, config: Mapping[str, Any]) -> None:
        """A store's own ttl holds where a put says none."""
        stores = {"kit_kv_short": {"kind": "kv", "ttl": SOON}}
        if Feature.TTL not in (await kv.capabilities()).features:
            await assert_raises(PolystoreError, lambda: _put_in(config, stores))
            note_refused(Feature.TTL)
            return
        async with open_with(config, stores) as client:
            short = client.workspace(fresh_workspace()).kv("kit_kv_short")
            await short.put("goes", 1)
            await short.put_if_absent("goes too", 1)
            await short.put("stays", 1, ttl="1h")
            await until_gone(short, "goes")
            await until_gone(short, "goes too")
            assert await short.count() == 1
            await short.clear()


async def _put_in(config: Mapping[str, Any], stores: Mapping[str, Any]) -> None:
    async with open_with(config, stores) as client:
        await client.workspace(fresh_workspace()).kv("kit_kv_short").put("a", 1)
