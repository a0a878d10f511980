"""Key-value stores: the handle that users hold.

For synchronous callers: generated from polystore.stores.kv by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.stores.kv import TTL
from polystore.stores.kv import KVStore as AsyncKVStore
from polystore.sync.generated.handle import Handle
from polystore.sync.portal import settled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from polystore.types.records import KVEntry


class KVStore(Handle[AsyncKVStore]):
    """Keys to JSON values or exact bytes, with expiry and versions.

    Point reads and writes of up to `limits.atomic_batch` entries are atomic. `None` means
    confirmed absent; trouble always raises.
    """

    def get(self, key: str) -> Any:
        """Return the value of `key`, or None if it is absent or expired.

        A stored JSON null is returned as None too; `get_entry` tells the two apart.
        """
        return self._portal.call(self._wrapped.get, key)

    def get_entry(self, key: str) -> KVEntry | None:
        """Return the entry of `key` with version and times, or None if it is absent."""
        return self._portal.call(self._wrapped.get_entry, key)

    def get_many(self, keys: Iterable[str]) -> list[Any]:
        """Return the value of each key, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_many, settled(keys))

    def get_entries(self, keys: Iterable[str]) -> list[KVEntry | None]:
        """Return the entry of each key, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_entries, settled(keys))

    def put(self, key: str, value: Any, *, ttl: TTL = None) -> None:
        """Store `value` under `key`, replacing value and expiry.

        Args:
            key: At most 512 UTF-8 bytes.
            value: JSON (see `polystore.types.json_domain`) or bytes.
            ttl: How long it lives; None takes the store's default.

        Raises:
            InvalidRecord: Key or value lies outside what every engine can store.
        """
        return self._portal.call(self._wrapped.put, key, value, ttl=ttl)

    def put_many(
        self,
        items: Mapping[str, Any] | Iterable[tuple[str, Any]],
        *,
        ttl: TTL = None,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store many entries; of equal keys the last wins.

        Args:
            items: A mapping, or pairs of key and value.
            ttl: How long they live; None takes the store's default.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        return self._portal.call(
            self._wrapped.put_many, settled(items), ttl=ttl, atomic=atomic, parallel=parallel
        )

    def put_if_absent(self, key: str, value: Any, *, ttl: TTL = None) -> bool:
        """Store `value` if `key` is absent or expired; return whether it was stored.

        Raises:
            OutcomeUnknown: The connection broke before the answer came.
        """
        return self._portal.call(self._wrapped.put_if_absent, key, value, ttl=ttl)

    def compare_and_set(self, key: str, value: Any, version: int, *, ttl: TTL = None) -> int:
        """Store `value` if the entry of `key` still has `version`; return the new version.

        Args:
            key: At most 512 UTF-8 bytes.
            value: JSON or bytes.
            version: From `get_entry`; 0 means that the key must be absent.
            ttl: How long it lives; None takes the store's default.

        Raises:
            Conflict: The entry has another version, or is absent.
            OutcomeUnknown: The connection broke before the answer came.
        """
        return self._portal.call(self._wrapped.compare_and_set, key, value, version, ttl=ttl)

    def delete(self, key: str) -> bool:
        """Delete `key`; return whether it was there."""
        return self._portal.call(self._wrapped.delete, key)

    def delete_many(self, keys: Iterable[str]) -> int:
        """Delete the keys; return how many were there."""
        return self._portal.call(self._wrapped.delete_many, settled(keys))

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that are absent, in order, each once."""
        return self._portal.call(self._wrapped.missing, settled(keys))

    def scan(self, prefix: str = "", *, batch: int = 500) -> Generator[KVEntry]:
        """Yield every entry whose key begins with `prefix`, reading `batch` rows at a time.

        In key order where `ordered_scan` is declared. An entry that is there all the while comes
        exactly once; one written or deleted meanwhile may or may not come.
        """
        return self._portal.iterate(self._wrapped.scan(prefix, batch=batch), batch)

    def count(self) -> int:
        """Return how many entries this workspace has, without expired ones."""
        return self._portal.call(self._wrapped.count)
