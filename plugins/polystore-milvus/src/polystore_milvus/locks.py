"""Writes to the same row go one after the other, as far as this client is concerned.

Milvus replaces rows whole and compares nothing before it does. What has to be read first, and
written back, must not be changed by another call of the same client meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence


class RowLocks:
    """Which rows are being written, by key."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def hold(self, keys: Sequence[str]) -> AsyncGenerator[None]:
        """Wait until nobody writes any of `keys`, and keep others from it.

        All are taken at once or none, so that nobody waits for one who waits for him.
        """
        held, keys = self._held, list(dict.fromkeys(keys))
        while True:
            busy = next((held[key] for key in keys if key in held), None)
            if busy is None:
                break
            await asyncio.shield(busy)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        held.update(dict.fromkeys(keys, mine))
        try:
            yield
        finally:
            for key in keys:
                del held[key]
            mine.set_result(None)
