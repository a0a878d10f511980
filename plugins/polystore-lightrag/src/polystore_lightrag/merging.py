"""Writes that merge into what is stored, several callers' at a time.

A store's upsert replaces, LightRAG's keeps the properties that it does not name. So what is there
is read, merged and written, in rounds: many single writes cost as little as a few batches. For a
batch two rounds are under way at a time, so that the server works on one while this process
prepares the other. No key is in both, and what comes for a key that is being written waits: writes
of one process to one key never overtake each other.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from polystore.types.json_domain import encode_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import TypeAlias

K = TypeVar("K")
Rows: TypeAlias = "Sequence[tuple[K, Mapping[str, Any]]]"

_ROUNDS: Final = 2
_ROWS: Final = 250
"""Of a round, so that a caller's batch takes several, which overlap."""


@dataclass(slots=True)
class _Part(Generic[K]):
    """Rows of one caller that go into one round, and what is told when they are stored."""

    rows: Rows[K]
    keys: set[K]
    done: asyncio.Future[None]


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
        self._waiting: list[_Part[K]] = []
        self._busy: set[K] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def merge(self, rows: Rows[K]) -> None:
        """Merge rows, as if one after the other; returns when all are stored.

        Raises:
            PolystoreError: Some could not be stored; others of the same call may be.
        """
        loop = asyncio.get_running_loop()
        parts: list[_Part[K]] = []
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            parts.append(_Part(some, {key for key, _ in some}, loop.create_future()))
        self._waiting += parts
        # What the others of this turn of the loop bring goes with the first round.
        for _ in range(min(len(parts), _ROUNDS) - len(self._tasks)):
            self._tasks.add(asyncio.create_task(self._rounds()))
        for outcome in await asyncio.gather(*(p.done for p in parts), return_exceptions=True):
            if outcome is not None:
                raise outcome

    async def _rounds(self) -> None:
        try:
            while batch := self._next():
                keys = {key for part in batch for key in part.keys}
                self._busy |= keys
                try:
                    await self._serve(batch)
                finally:
                    self._busy -= keys
        except BaseException:
            for part in self._waiting:
                part.done.cancel()
            self._waiting.clear()
            raise
        finally:
            # At once, and not when the loop calls back: who comes between would start no other.
            self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _next(self) -> list[_Part[K]]:
        """Take the parts that come first and whose keys nobody writes, or waits for before them."""
        taken: list[_Part[K]] = []
        left: list[_Part[K]] = []
        blocked, room = set(self._busy), _ROWS
        for position, part in enumerate(self._waiting):
            if len(part.rows) > room:
                left += self._waiting[position:]
                break
            if blocked.isdisjoint(part.keys):
                taken.append(part)
                room -= len(part.rows)
            else:
                left.append(part)
                blocked |= part.keys
        self._waiting = left
        return taken

    async def _serve(self, batch: list[_Part[K]]) -> None:
        try:
            await self._store([row for part in batch for row in part.rows])
        except Exception as error:
            if len(batch) == 1:
                _settle(batch[0].done, error)
                return
            # One caller's bad row must not fail the others.
            for part in batch:
                await self._serve([part])
        except BaseException:
            for part in batch:
                part.done.cancel()
            raise
        else:
            for part in batch:
                _settle(part.done, None)

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
    # As texts too, for 1 is not True where it is stored.
    return row == stored and encode_json(row) == encode_json(stored)


def _settle(done: asyncio.Future[None], error: Exception | None) -> None:
    if done.done():
        return  # its caller gave up
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
