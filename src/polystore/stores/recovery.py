"""After a lost connection: one asks whether the server is back, and then the others follow.

Whatever was in flight when a server went away fails at the same moment, in every process. If all
of it came back at once, a server that has just started would be met by the whole crowd, each with a
new connection. So of those that try again on one backend one goes ahead; the others wait until it
is through, or until their patience is over, as what it does may take long for reasons of its own.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

from polystore.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
_PATIENCE = 1.0
"""Seconds, with jitter, that a call waits for the one that went ahead."""


class Recovery:
    """Whether a backend's server is lost, and who asks for it. For one event loop."""

    def __init__(self) -> None:
        self._lost = False
        self._ahead: asyncio.Future[None] | None = None

    def lost(self) -> None:
        """Note that a connection failed."""
        self._lost = True

    async def again(self, hook: Callable[[], Awaitable[T]]) -> T:
        """Carry out `hook` once more, when it is this call's turn."""
        await self._wait()
        if not self._lost or self._ahead is not None:
            return await hook()
        self._ahead = asyncio.get_running_loop().create_future()
        try:
            answer = await hook()
        except ConnectionFailed:
            raise
        except Exception:
            self._lost = False  # it answered, if only to say what is wrong
            raise
        else:
            self._lost = False
            return answer
        finally:
            self._ahead.set_result(None)
            self._ahead = None

    async def _wait(self) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + _PATIENCE * random.uniform(0.5, 1.5)  # noqa: S311
        while self._lost and self._ahead is not None and (left := end - clock()) > 0:
            await asyncio.wait([self._ahead], timeout=left)
