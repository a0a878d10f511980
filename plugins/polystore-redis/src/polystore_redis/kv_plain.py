"""Storing many new entries by plain commands, where nobody else writes meanwhile.

The script of `kv.py` is right whoever writes beside it, but hands every value through Lua, which
takes the server longer than all the rest. Here the server looks whether any of the entries is
there, WATCHes what would tell of another write, and gets the rows, headers and all, in a
transaction. It refuses that if anything watched has changed: every write sets the last version.

Entries that are there are left to the script, which need not send what it reads of them.
"""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from weakref import WeakValueDictionary

from polystore_redis.kv_rows import new_rows

if TYPE_CHECKING:
    from polystore.types.batches import KVBatch
    from polystore_redis.connection import Server
    from polystore_redis.held import Held
    from polystore_redis.keys import Partition

FEWEST: Final = 200
"""Rows; for fewer, asking first costs more than Lua."""
_PATIENCE: Final = 10
"""Batches left to the script after one that could not be stored so: others write too."""


class _Seen(NamedTuple):
    """What is there before a write.

    Attributes:
        now: The server's clock, in microseconds since 1970.
        last: The last version.
        known: How many of the entries are there.
        expiring: Whether any entry of the workspace expires.
    """

    now: int
    last: int
    known: int
    expiring: bool


class PlainPuts:
    """Stores batches without a script.

    Args:
        server: A single one, no cluster.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._left_out = 0

    async def put(self, part: Partition, batch: KVBatch) -> bool:
        """Store `batch`, whose entries never expire; return whether that was done.

        False means that nothing was changed and the script has to do it: an entry is there, others
        expire, somebody wrote meanwhile, or something was refused, which the script tells better.

        Raises:
            PolystoreError: The connection broke.
        """
        if self._left_out:
            self._left_out -= 1
            return False
        # Two of this process at a time would only have each other refused.
        lock = self._locks.setdefault(part.prefix, asyncio.Lock())
        async with lock, self._server.held() as held:
            return await self._put(held, part, batch)

    async def _put(self, held: Held, part: Partition, batch: KVBatch) -> bool:
        ids = [key.encode() for key in batch.keys]
        beginning = part.row_of(b"")
        rows = [beginning + id_ for id_ in ids]
        await held.send(
            held.pack(
                ("WATCH", part.version),
                ("TIME",),
                ("GET", part.version),
                ("ZCARD", part.ids),  # is refused where the key is of another type
                ("EXISTS", part.expiry),
                ("EXISTS", *rows),
                ("MULTI",),  # before the rest is sent, which would be no transaction without it
            )
        )
        # While the server looks.
        listed = ("ZADD", part.ids, *chain.from_iterable(zip(repeat(b"0"), ids, strict=False)))
        listing = held.pack(listed)
        seen = _seen(await held.answers(7))
        if seen is None or seen.known or seen.expiring:
            if seen is None or isinstance(await held.ask(("DISCARD",)), Exception):
                await held.drop()
            if seen is None or seen.expiring:
                self._left_out = _PATIENCE
            return False
        version = max(seen.now, seen.last + 1)
        written = zip(rows, new_rows(batch, version, seen.now), strict=True)
        stored = ("MSET", part.version, b"%d" % version, *chain.from_iterable(written))
        await held.send([*held.pack(stored), *listing, *held.pack(("EXEC",))])
        return await self._was_done(held, (await held.answers(3))[-1])

    async def _was_done(self, held: Held, answer: list[Any] | Exception | None) -> bool:
        """Return whether the transaction that was answered so was carried out."""
        if isinstance(answer, list):
            for part in answer:
                if isinstance(part, Exception):
                    raise part
            return True
        self._left_out = _PATIENCE
        if answer is not None:
            await held.drop()
        return False


def _seen(answers: list[Any]) -> _Seen | None:
    """Return what the answers say; None if a question was refused."""
    if any(isinstance(answer, Exception) for answer in answers):
        return None
    _, (seconds, micros), last, _, expiring, known, _ = answers
    return _Seen(int(seconds) * 1_000_000 + int(micros), int(last or 0), known, bool(expiring))
