"""Waiting for a server that is coming back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def until_it_works(attempt: Callable[[], Awaitable[Any]], seconds: float = 90) -> Any:
    """Return the answer of the first attempt that succeeds; others fail in a retryable way."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await attempt()
        except PolystoreError as error:
            if not error.retryable or loop.time() > deadline:
                raise
            await asyncio.sleep(0.1)
