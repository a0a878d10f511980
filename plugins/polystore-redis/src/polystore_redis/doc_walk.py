"""Walking through sorted sets of members, over all partitions of a workspace, in one order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_redis.doc_index import ABOVE, encode_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_redis.connection import Server
    from polystore_redis.doc_index import Index
    from polystore_redis.doc_ranges import Bounds

_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Span:
    """A range of members, as ZRANGEBYLEX writes it."""

    low: bytes
    high: bytes


EVERYTHING = Span(b"-", b"+")


def span_of(index: Index, equal: Sequence[bytes], bounds: Bounds | None) -> Span:
    """Return where the members of matching documents lie.

    Args:
        index: The index.
        equal: Sort keys of its first fields.
        bounds: Of the sort key of the next field; None for any.
    """
    prefix = index.prefix(equal)
    if bounds is None:
        return Span(b"[" + prefix, b"(" + prefix + ABOVE)
    down = index.sorts[len(equal)].descending
    low, high = (prefix + encode_key(key, descending=down) for key in bounds)
    if down:
        return Span(b"(" + high + ABOVE, b"(" + low + ABOVE)
    return Span(b"[" + low, b"(" + high)


class Walk:
    """Members within a span, merged from the same set of every partition.

    Args:
        server: The server.
        keys: Of the sets.
        span: Where to walk.
    """

    def __init__(self, server: Server, keys: Sequence[bytes], span: Span) -> None:
        self._server = server
        self._keys = keys
        self._lows = [span.low] * len(keys)
        self._high = span.high
        self._ahead: list[deque[bytes]] = [deque() for _ in keys]
        self._open = [True] * len(keys)

    async def block(self, most: int = _BLOCK) -> list[bytes]:
        """Return the next members, `most` at most; [] at the end."""
        if len(self._keys) == 1:
            return await self._only(most)
        found: list[bytes] = []
        while len(found) < most:
            await self._fill(most)
            heads = [number for number, ahead in enumerate(self._ahead) if ahead]
            if not heads:
                break
            first = min(heads, key=lambda number: self._ahead[number][0])
            found.append(self._ahead[first].popleft())
        return found

    async def _only(self, most: int) -> list[bytes]:
        if not self._open[0]:
            return []
        command = ("ZRANGEBYLEX", self._keys[0], self._lows[0], self._high, "LIMIT", 0, most)
        found: list[bytes] = await self._server.command(*command)
        self._open[0] = len(found) == most
        if found:
            self._lows[0] = b"(" + found[-1]
        return found

    async def _fill(self, most: int) -> None:
        """Read on wherever nothing is ahead, so that the heads tell which comes first."""
        empty = [n for n, ahead in enumerate(self._ahead) if self._open[n] and not ahead]
        if not empty:
            return
        size = max(20, most // len(self._keys))
        answers: list[list[bytes]] = await self._server.many(
            [
                ("ZRANGEBYLEX", self._keys[n], self._lows[n], self._high, "LIMIT", 0, size)
                for n in empty
            ]
        )
        for number, members in zip(empty, answers, strict=True):
            self._open[number] = len(members) == size
            if members:
                self._lows[number] = b"(" + members[-1]
                self._ahead[number].extend(members)
