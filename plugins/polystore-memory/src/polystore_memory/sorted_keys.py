"""Keys in order that stay in order: a list of short sorted lists."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

K = TypeVar("K", bound="str | tuple[str, str, str]")

_CHUNK = 1000
"""Keys per list: inserting moves at most so many, and there are few lists to look through."""


class SortedKeys(Generic[K]):
    """Distinct keys; adding and removing costs about the same however many there are."""

    def __init__(self) -> None:
        self._chunks: list[list[K]] = []
        self._firsts: list[K] = []

    def add(self, key: K) -> None:
        """Add a key that is not there."""
        if not self._chunks:
            self._chunks.append([key])
            self._firsts.append(key)
            return
        position = self._position(key)
        chunk = self._chunks[position]
        insort(chunk, key)
        self._firsts[position] = chunk[0]
        if len(chunk) > 2 * _CHUNK:
            self._chunks.insert(position + 1, chunk[_CHUNK:])
            self._firsts.insert(position + 1, chunk[_CHUNK])
            del chunk[_CHUNK:]

    def remove(self, key: K) -> None:
        """Remove a key that is there."""
        position = self._position(key)
        chunk = self._chunks[position]
        del chunk[bisect_left(chunk, key)]
        if chunk:
            self._firsts[position] = chunk[0]
        else:
            del self._chunks[position], self._firsts[position]

    def starting(self, start: K | None) -> Iterator[K]:
        """Yield the keys from `start` on (all for None), in order."""
        first = 0 if start is None else self._position(start)
        for position in range(first, len(self._chunks)):
            chunk = self._chunks[position]
            skip = 0 if start is None or position > first else bisect_left(chunk, start)
            for index in range(skip, len(chunk)):
                yield chunk[index]

    def _position(self, key: K) -> int:
        """Return the index of the list that `key` belongs to."""
        return max(bisect_right(self._firsts, key) - 1, 0)
