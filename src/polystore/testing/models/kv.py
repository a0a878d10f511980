"""A key-value store and a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from polystore.errors import Conflict
from polystore.testing.checks import assert_raises

if TYPE_CHECKING:
    from polystore.stores.kv import KVStore

_KEYS = st.sampled_from(["a", "b", "A", "a-b", "a_b", "é"])
_VALUES = st.sampled_from([None, 0, 1, "", "x", b"", b"x", {"n": 1}, [1, None], 2**53 + 1])
_SOME = st.lists(_KEYS, max_size=4)

STEPS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(_KEYS, _VALUES, max_size=4)),
    st.tuples(st.just("put"), st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=1)),
    st.tuples(st.just("put_if_absent"), _KEYS, _VALUES),
    st.tuples(st.just("set"), _KEYS, _VALUES, st.booleans()),
    st.tuples(st.just("delete"), _SOME),
    st.tuples(st.just("read"), _SOME),
    st.tuples(st.just("scan"), st.sampled_from(["", "a", "a_", "z"]), st.integers(1, 3)),
    st.tuples(st.just("clear")),
)


class KVModel:
    """What a key-value store has to hold."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        """The highest version seen of each key, also of deleted ones."""

    async def put(self, kv: KVStore, items: dict[str, Any]) -> None:
        """Put one or many."""
        if len(items) == 1:
            ((key, value),) = items.items()
            await kv.put(key, value)
        else:
            await kv.put_many(items)
        self.rows |= items
        await self._look(kv, *items)

    async def put_if_absent(self, kv: KVStore, key: str, value: Any) -> None:
        """Put where nothing is."""
        absent = key not in self.rows
        assert await kv.put_if_absent(key, value) is absent
        if absent:
            self.rows[key] = value
            await self._look(kv, key)

    async def set(self, kv: KVStore, key: str, value: Any, stale: bool) -> None:
        """Compare and set, with the right version or with one of before."""
        entry = await kv.get_entry(key)
        version = 0 if entry is None else entry.version
        if stale:
            old = version - 1 if version else 7
            await assert_raises(Conflict, lambda: kv.compare_and_set(key, value, old))
            return
        assert await kv.compare_and_set(key, value, version) > self._versions.get(key, 0)
        self.rows[key] = value
        await self._look(kv, key)

    async def delete(self, kv: KVStore, keys: list[str]) -> None:
        """Delete some."""
        assert await kv.delete_many(keys) == len(self.rows.keys() & set(keys))
        for key in keys:
            self.rows.pop(key, None)

    async def read(self, kv: KVStore, keys: list[str]) -> None:
        """Read some, and count all."""
        assert await kv.get_many(keys) == [self.rows.get(key) for key in keys]
        absent = [key for key in dict.fromkeys(keys) if key not in self.rows]
        assert await kv.missing(keys) == absent
        assert await kv.count() == len(self.rows)

    async def scan(self, kv: KVStore, prefix: str, batch: int) -> None:
        """Scan what begins with a prefix."""
        found = [(entry.key, entry.value) async for entry in kv.scan(prefix, batch=batch)]
        expected = [(key, value) for key, value in self.rows.items() if key.startswith(prefix)]
        assert sorted(found, key=_key) == sorted(expected, key=_key)

    async def clear(self, kv: KVStore) -> None:
        """Delete everything."""
        assert await kv.clear() == len(self.rows)
        self.rows = {}

    async def whole(self, kv: KVStore) -> None:
        """Compare everything."""
        await self.scan(kv, "", 500)

    async def _look(self, kv: KVStore, *keys: str) -> None:
        """See that the versions of what was written have grown."""
        for key, entry in zip(keys, await kv.get_entries(keys), strict=True):
            assert entry is not None
            assert entry.version > self._versions.get(key, 0)
            self._versions[key] = entry.version


def _key(row: tuple[str, Any]) -> str:
    return row[0]
