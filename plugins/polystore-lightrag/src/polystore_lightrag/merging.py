"""Writes that merge into what is stored, several callers' at a time.

A store's upsert replaces, LightRAG's keeps the properties that it does not name. So what is there
is read, merged and written. While that is under way, whoever comes waits and goes with the next
round: writes of one process to one key never overtake each other, and many single ones cost as
little as a few batches.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from polystore.types.json_domain import encode_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import TypeAlias

K = TypeVar("K")
Rows: TypeAlias = "Sequence[tuple[K, Mapping[str, Any]]]"


class MergingWriter(Generic[K]):
    """Merges rows into stored ones.

    Args:
        read: Returns what is stored under each of distinct keys, None where nothing is.
        write: Stores rows, each replaced whole.
    """

    def __init__(
        self,
        read: Callable[[list[K]], Awaitable[Sequence[Mapping[str, Any] | None]]],
        write: Callable[[Mapping[K, dict[str, Any]]], Awaitable[None]],
    ) -> None:
        self._read = read
        self._write = write
        self._waiting: list[tuple[Rows[K], asyncio.Future[None]]] = []
        self._round: asyncio.Task[None] | None = None

    async def merge(self, rows: Rows[K]) -> None:
        """Merge rows, as if one after the other; returns when they are stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._round is None:
            self._round = asyncio.create_task(self._rounds())
        await done

    async def _rounds(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._serve(batch)
        finally:
            self._round = None
            for _, done in self._waiting:
                done.cancel()

    async def _serve(self, batch: list[tuple[Rows[K], asyncio.Future[None]]]) -> None:
        try:
            await self._store([row for rows, _ in batch for row in rows])
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            # One caller's bad row must not fail the others.
            for waiter in batch:
                await self._serve([waiter])
        except BaseException:
            for _, done in batch:
                done.cancel()
            raise
        else:
            for _, done in batch:
                _settle(done, None)

    async def _store(self, rows: Rows[K]) -> None:
        keys = list(dict.fromkeys(key for key, _ in rows))
        stored = dict(zip(keys, await self._read(keys), strict=True))
        merged: dict[K, dict[str, Any]] = {}
        for key, row in rows:
            merged[key] = {**(merged.get(key) or stored[key] or {}), **row}
        changed = {key: row for key, row in merged.items() if not _same(row, stored[key])}
        if changed:
            await self._write(changed)


def _same(row: Mapping[str, Any], stored: Mapping[str, Any] | None) -> bool:
    # As texts, for 1 is not True where it is stored.
    return stored is not None and encode_json(row) == encode_json(stored)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # its caller gave up
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
