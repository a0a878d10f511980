"""Storing a large batch by plain commands, where nobody else writes to its workspace meanwhile.

The script of `kv.py` is right whoever writes beside it, but hands every value through Lua, which
takes the server longer than all the rest. Here the server tells what is there and WATCHes it, and
gets the rows, headers and all, in a transaction. It refuses that if anything watched has changed:
every write sets the last version, and every delete of an entry changes the list of keys.
"""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakValueDictionary

from polystore_redis.connection import script
from polystore_redis.kv_rows import is_unlisted, split_headers, written_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.batches import KVBatch
    from polystore_redis.connection import Command, Server
    from polystore_redis.held import Held
    from polystore_redis.keys import Partition

FEWEST: Final = 100
"""Rows; for fewer, asking first costs more than Lua."""
_HEADERS: Final = script("clock", "kv_rows", "kv_headers")
_PATIENCE: Final = 10
"""Batches left to the script after one was refused: somebody writes beside us."""


class _Seen(NamedTuple):
    """What is there before a write.

    Attributes:
        now: The server's clock, in microseconds since 1970.
        last: The last version.
        rows: The answer about the rows.
    """

    now: int
    last: int
    rows: Any


class PlainPuts:
    """Stores batches without handing their values to a script.

    Args:
        server: A single one, no cluster.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._left_out = 0

    async def put(self, part: Partition, batch: KVBatch) -> bool:
        """Store `batch`, whose rows never expire; return whether that was done.

        False means that nothing was changed and the script has to do it: somebody else wrote,
        entries here expire, or something was refused, which the script tells better.

        Raises:
            PolystoreError: The connection broke.
        """
        if self._left_out:
            self._left_out -= 1
            return False
        # Two of this process at a time would only have each other refused.
        lock = self._locks.setdefault(part.prefix, asyncio.Lock())
        async with lock, self._server.held() as held:
            done = await _put(held, part, batch)
        if not done:
            self._left_out = _PATIENCE
        return done


async def _put(held: Held, part: Partition, batch: KVBatch) -> bool:
    ids = [key.encode() for key in batch.keys]
    beginning = part.row_of(b"")
    rows = [beginning + id_ for id_ in ids]
    await held.send(held.pack(*_questions(part, ("EXISTS", *rows))))
    listing = held.pack(_listing(part, ids))  # while the server looks
    seen = await _seen(held)
    headers: list[bytes] = []
    if seen is not None and seen.rows:
        whole = _HEADERS.whole(_HEADERS.command(rows, []))
        await held.send(held.pack(("DISCARD",), *_questions(part, whole)))
        await held.answers(1)
        seen = await _seen(held)
        if seen is not None:
            headers = split_headers(seen.rows)
            added = [id_ for id_, old in zip(ids, headers, strict=True) if is_unlisted(old)]
            listing = held.pack(_listing(part, added)) if added else []
    if seen is None:
        return False
    version = max(seen.now, seen.last + 1)
    written = zip(rows, written_rows(batch, version, seen.now, headers), strict=True)
    stored = ("MSET", part.version, b"%d" % version, *chain.from_iterable(written))
    await held.send([*held.pack(stored), *listing, *held.pack(("EXEC",))])
    answers = await held.answers(3 if listing else 2)
    return await _was_done(held, answers[-1])


def _questions(part: Partition, about_rows: Command) -> list[Command]:
    """Return what to ask, and the transaction's beginning, which the rest has to be sure of."""
    return [
        ("WATCH", part.version, part.ids),
        ("TIME",),
        ("GET", part.version),
        ("ZCARD", part.ids),  # is refused where the key is of another type
        ("EXISTS", part.expiry),
        about_rows,
        ("MULTI",),
    ]


async def _seen(held: Held) -> _Seen | None:
    """Return what the answers to `_questions` say; None, with nothing watched, for the script."""
    answers = await held.answers(7)
    if any(isinstance(answer, Exception) for answer in answers):
        await held.drop()
        return None
    _, (seconds, micros), last, _, expiring, rows, _ = answers
    if expiring:
        await held.send(held.pack(("DISCARD",)))
        await held.answers(1)
        return None
    return _Seen(int(seconds) * 1_000_000 + int(micros), int(last or 0), rows)


async def _was_done(held: Held, answer: list[Any] | Exception | None) -> bool:
    """Return whether the transaction that was answered so was carried out."""
    if isinstance(answer, Exception):
        await held.drop()
    if not isinstance(answer, list):
        return False
    for part in answer:
        if isinstance(part, Exception):
            raise part
    return True


def _listing(part: Partition, ids: Sequence[bytes]) -> Command:
    return ("ZADD", part.ids, *chain.from_iterable(zip(repeat(b"0"), ids, strict=False)))
