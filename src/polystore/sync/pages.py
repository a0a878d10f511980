"""An async generator read many rows at a time, so that a way between threads is paid for rarely."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """Rows, the error that came after them, and whether there may be more."""

    rows: list[T]
    error: Exception | None
    more: bool


class Pages(Generic[T]):
    """An async generator, read many rows at a time."""

    def __init__(self, items: AsyncIterator[T], size: int) -> None:
        self._items = items
        self._size = size
        self._closing: asyncio.Task[None] | None = None
        self.ended = False

    async def next(self) -> Page[T]:
        """Return the next page; an error at its very beginning is raised."""
        rows: list[T] = []
        try:
            async for row in self._items:
                rows.append(row)
                if len(rows) >= self._size:
                    return Page(rows, None, more=True)
        except Exception as error:
            self.ended = True
            if not rows:
                raise
            # The caller gets these rows first, then the error.
            return Page(rows, error, more=False)
        self.ended = True
        return Page(rows, None, more=False)

    async def close(self) -> None:
        """Close the generator."""
        self.ended = True
        if isinstance(self._items, AsyncGenerator):
            await cast("AsyncGenerator[T]", self._items).aclose()

    def close_soon(self) -> None:
        """Close without being waited for. In the loop."""
        self._closing = asyncio.get_running_loop().create_task(self.close())
