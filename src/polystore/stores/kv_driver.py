"""The driver of key-value stores: what a backend's author implements."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from polystore.stores.driver import Driver

if TYPE_CHECKING:
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call
    from polystore.types.records import KVEntry, Page


class KVDriver(Driver):
    """What a backend's author implements to serve key-value stores.

    An expired entry is absent everywhere, whatever the engine's sweeper does. Versions of a key
    only ever grow, also over a delete, so that a stale compare-and-set cannot succeed.
    """

    @abstractmethod
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        """Return the entry of each of the distinct `keys`, None where there is none."""

    @abstractmethod
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        """Store the batch, replacing what was there (value, expiry and all)."""

    @abstractmethod
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        """Store the only row of `row` if its key now has `version` (0: if it is absent).

        Returns:
            The new version, or None if nothing was stored.
        """

    @abstractmethod
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        """Delete the distinct `keys`; return how many were there."""

    @abstractmethod
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        """Return up to `limit` entries whose key begins with `prefix`, from `cursor` on.

        The cursor is the driver's own; every entry that is there all the while comes once.
        """

    async def get_values(self, call: Call, keys: list[str]) -> list[Any]:
        """Return the value of each of the distinct `keys`, None where there is none."""
        entries = await self.get_many(call, keys)
        return [None if entry is None else entry.value for entry in entries]

    async def missing(self, call: Call, keys: list[str]) -> list[str]:
        """Return those of the distinct `keys` that are absent, in order."""
        entries = await self.get_many(call, keys)
        return [key for key, entry in zip(keys, entries, strict=True) if entry is None]
