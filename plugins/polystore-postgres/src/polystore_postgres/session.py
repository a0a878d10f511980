"""A transaction in progress, as units of work hold it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from polystore.errors import Closed, PolystoreError

if TYPE_CHECKING:
    from polystore.types.call import Isolation
    from polystore_postgres.connection import Connection
    from polystore_postgres.pool import Pool


class Session:
    """One open transaction on one connection; calls in it take turns.

    Attributes:
        pool: The pool whose transaction it is.
        connection: Where it happens.
        keeps_snapshot: Whether its statements do not see what others committed since its first
            one: at every isolation level but `read committed`.
        local: Settings made for this transaction, by name.
    """

    def __init__(
        self, pool: Pool, connection: Connection, isolation: Isolation = "read committed"
    ) -> None:
        self.pool = pool
        self.connection = connection
        self.keeps_snapshot = isolation != "read committed"
        self.local: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._open = True

    async def enter(self, pool: Pool) -> Connection:
        """Wait for this session's turn and return its connection.

        Raises:
            Closed: The unit of work has ended.
            PolystoreError: It is another backend's session, or this task holds it already.
        """
        if pool is not self.pool:
            raise PolystoreError("this unit of work belongs to another backend")
        task = asyncio.current_task()
        if self._lock.locked() and self._owner is task:
            raise PolystoreError("a session was entered twice by one task; use its connection")
        await self._lock.acquire()
        if not self._open:
            self._lock.release()
            raise Closed("this unit of work has ended", hint="Open a new one")
        self._owner = task
        return self.connection

    def leave(self) -> None:
        """Let the next call have its turn."""
        self._owner = None
        self._lock.release()

    def abandon(self) -> None:
        """Let nobody in any more, at once."""
        self._open = False

    async def end(self) -> None:
        """Let nobody in any more; waits for a call that is still running."""
        self._open = False
        async with self._lock:
            return
