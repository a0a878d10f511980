"""LightRAG's key-value storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lightrag.base import BaseKVStorage
from typing_extensions import override

from polystore_lightrag import stores
from polystore_lightrag.base import PolystoreStorage
from polystore_lightrag.keys import namespace_prefix, stored_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Stores
    from polystore.stores.kv import KVStore
    from polystore.types.records import KVEntry


class PolystoreKVStorage(PolystoreStorage, BaseKVStorage):
    """Ids to JSON objects; whatever fields they have are kept."""

    ARGUMENT: ClassVar[str] = "kv_storage"
    supports_strict_point_reads: ClassVar[bool] = True
    _store: KVStore | None = None
    _prefix: str = ""

    @override
    async def _bind(self, opened: Stores) -> None:
        own = stores.store_name(self.namespace)
        if own in self._client().runtime.declared:
            self._store, self._prefix = opened.kv(own), ""
        else:
            self._store = opened.kv(stores.OTHER)
            self._prefix = namespace_prefix(self.namespace)

    @property
    def _kv(self) -> KVStore:
        if self._store is None or self._lease is None:
            raise self._uninitialized()
        return self._store

    @override
    async def get_by_id(self, id: str) -> dict[str, Any] | None:
        """Return the value of `id`, or None, which means that there is none."""
        return self._row(id, await self._kv.get_entry(self._key(id)))

    @override
    async def get_by_id_strict(self, id: str) -> dict[str, Any] | None:
        """Return the value of `id`; every read of this storage is strict."""
        return await self.get_by_id(id)

    @override
    async def get_by_ids(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the value of each id, in order, None where there is none."""
        entries = await self._kv.get_entries([self._key(id_) for id_ in ids])
        rows: list[Any] = [self._row(id_, entry) for id_, entry in zip(ids, entries, strict=True)]
        return rows

    @override
    async def filter_keys(self, keys: set[str]) -> set[str]:
        """Return those of `keys` that are not there."""
        by_key = {self._key(key): key for key in keys}
        return {by_key[key] for key in await self._kv.missing(by_key)}

    @override
    async def upsert(self, data: dict[str, dict[str, Any]]) -> None:
        """Store values, each replaced whole."""
        if not data:
            return
        rows = {self._key(id_): self._value(value) for id_, value in data.items()}
        if len(rows) == 1:
            [(key, value)] = rows.items()
            await self._kv.put(key, value)  # goes together with what others put meanwhile
        else:
            await self._kv.put_many(rows)

    @override
    async def delete(self, ids: list[str]) -> None:
        """Delete values; absent ones are passed over."""
        await self._kv.delete_many([self._key(id_) for id_ in ids])

    @override
    async def is_empty(self) -> bool:
        """Whether nothing is stored."""
        async for _ in self._kv.scan(self._prefix, batch=1):
            return False
        return True

    @override
    async def _clear(self) -> None:
        kv = self._kv
        if not self._prefix:
            await kv.clear()
            return
        keys = [entry.key async for entry in kv.scan(self._prefix)]
        await kv.delete_many(keys)

    def _key(self, id_: str) -> str:
        return stored_key(self._prefix + id_)

    def _value(self, value: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: part for name, part in value.items() if name != "_id"}
        if self.namespace.endswith("text_chunks"):
            kept.setdefault("llm_cache_list", [])
        # When it was written is the entry's own field, and the caller's only where it insists.
        kept.pop("update_time", None)
        return kept

    def _row(self, id_: str, entry: KVEntry | None) -> dict[str, Any] | None:
        if entry is None:
            return None
        row: dict[str, Any] = entry.value
        row.setdefault("create_time", _seconds(entry.created_at))
        row.setdefault("update_time", _seconds(entry.updated_at))  # what was imported has its own
        row["_id"] = id_
        return row


def _seconds(time: Any) -> int:
    return 0 if time is None else int(time.timestamp())
