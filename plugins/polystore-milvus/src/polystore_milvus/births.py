"""When rows came into being, of those that this client wrote a moment ago.

A replaced row keeps its `created_at`, so every upsert has to look for the rows that are there. To
see its own last writes a read has to wait for the server's next tick, up to a fifth of a second.
So those are remembered here instead, and the server is asked for what was written before them,
which it has at hand. Nothing is remembered for longer than the server may need to see it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECONDS: Final = 2.0
"""After which a write is old: many ticks. A server that lags behind further makes the read wait."""


class Births:
    """What one client has written into one collection."""

    def __init__(self) -> None:
        self.settled = 1
        """Timestamp of the newest write that is no longer remembered."""
        self._recent: dict[str, tuple[int, int | None]] = {}
        self._order: deque[tuple[float, int, list[str]]] = deque()
        self._doubtful: dict[str, float] = {}

    def note(self, created: Mapping[str, int | None], stamp: int) -> None:
        """Remember an acknowledged write.

        Args:
            created: When each row came into being, by key; None for one that was deleted.
            stamp: The server's timestamp of it.
        """
        self._order.append((time.monotonic(), stamp, list(created)))
        self._recent.update({key: (stamp, birth) for key, birth in created.items()})

    def doubt(self, keys: Iterable[str]) -> None:
        """Remember that a write of `keys` failed, or was cut off, and may have been done."""
        now = time.monotonic()
        for key in keys:
            self._doubtful.pop(key, None)  # so that they stay in order of time
            self._doubtful[key] = now

    def is_sure(self, keys: Iterable[str]) -> bool:
        """Return whether the fate of every write of `keys` is known that is not long past."""
        self._forget()
        return self._doubtful.keys().isdisjoint(keys)

    def known(self, keys: Iterable[str]) -> dict[str, int | None]:
        """Return what is remembered of `keys`, after forgetting what is old."""
        self._forget()
        recent = self._recent
        return {key: recent[key][1] for key in keys if key in recent}

    def _forget(self) -> None:
        limit = time.monotonic() - _SECONDS
        while self._doubtful:
            key = next(iter(self._doubtful))
            if self._doubtful[key] >= limit:
                break
            del self._doubtful[key]
        while self._order and self._order[0][0] < limit:
            _, stamp, keys = self._order.popleft()
            self.settled = max(self.settled, stamp)
            for key in keys:
                if self._recent.get(key, (None,))[0] == stamp:
                    del self._recent[key]
