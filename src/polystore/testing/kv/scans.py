"""Scans: every entry once, by prefix taken literally, also while others write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.testing.kv.base import KVTests
from polystore.testing.outcomes import note_declared
from polystore.testing.values import LONG_KEYS, ODD_TEXTS

if TYPE_CHECKING:
    from polystore.stores.kv import KVStore


async def scanned(kv: KVStore, prefix: str = "", *, batch: int = 3) -> list[str]:
    """Return the keys of a scan in small steps."""
    return [entry.key async for entry in kv.scan(prefix, batch=batch)]


class KVScans(KVTests):
    """Scans."""

    async def test_every_entry_once(self, kv: KVStore) -> None:
        """Whatever the size of the steps, every entry comes once, whole."""
        items = {f"k{n:02}": {"n": n} for n in range(20)} | {"bytes": b"\x00"}
        await kv.put_many(items)
        for batch in (1, 2, 7, 20, 21, 22, 1000):
            found = [entry async for entry in kv.scan(batch=batch)]
            assert len(found) == len(items), batch
            assert {entry.key: entry.value for entry in found} == items
        entries = {entry.key: entry async for entry in kv.scan()}
        for entry in await kv.get_entries(items):
            assert entry is not None
            assert entries[entry.key] == entry

    async def test_prefix_is_literal(self, kv: KVStore) -> None:
        """A prefix has no wildcards, no letter folding and no normalisation."""
        keys = [
            "a",
            "a%",
            "a%b",
            "a_",
            "a_b",
            "ab",
            "aXb",
            "a\\",
            "a\\%",
            "a*",
            "a?",
            "a[",
            "A",
            "Ab",
        ]
        keys += ["é", "e\u0301", "éa", "%", "%%", "_", "\\", "😀", "😀a", "\uffff", "\uffffa"]
        await kv.put_many(dict.fromkeys(keys, 1))
        for prefix in keys:
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert sorted(await scanned(kv, prefix)) == expected, prefix
        assert await scanned(kv, "zzz") == []

    async def test_odd_prefixes(self, kv: KVStore) -> None:
        """Any text can be a prefix, also the longest, and the highest code point."""
        keys = [*ODD_TEXTS, *LONG_KEYS]
        await kv.put_many(dict.fromkeys(keys, 1))
        for prefix in [*ODD_TEXTS, *LONG_KEYS, "k" * 511, "\U0010ffff"]:
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert sorted(await scanned(kv, prefix, batch=50)) == expected, prefix

    async def test_in_key_order_where_declared(self, kv: KVStore) -> None:
        """Where `ordered_scan` is declared, keys come by code point; else in any order, all."""
        keys = [*ODD_TEXTS, "B", "a", "Z", "aa", "\U00010000a", "\uffffa"]
        await kv.put_many(dict.fromkeys(keys, 1))
        found = await scanned(kv, batch=5)
        ordered = Feature.ORDERED_SCAN in (await kv.capabilities()).features
        note_declared(Feature.ORDERED_SCAN, declared=ordered)
        if not ordered:
            found.sort()
        assert found == sorted(set(keys))

    async def test_scan_while_writing(self, kv: KVStore) -> None:
        """What is there all the while comes exactly once, though others come and go meanwhile."""
        staying = {f"stay{n:03}" for n in range(60)}
        await kv.put_many(dict.fromkeys(staying, 1))
        await kv.put_many({f"go{n}": 1 for n in range(20)})
        found: list[str] = []
        async for entry in kv.scan(batch=4):
            found.append(entry.key)
            number = len(found)
            await kv.put(f"new{number % 30}", number)
            await kv.put(f"stay{number % 60:03}", number)
            await kv.delete(f"go{number % 20}")
            if number > 500:
                break
        assert [key for key in found if key in staying] != []
        assert sorted(key for key in found if key in staying) == sorted(staying)
        assert len(set(found)) == len(found)

    async def test_scan_that_deletes(self, kv: KVStore) -> None:
        """A scan may delete what it is given, and reaches everything."""
        await kv.put_many({f"k{n}": n for n in range(30)})
        async for entry in kv.scan(batch=4):
            await kv.delete(entry.key)
        assert await kv.count() == 0
