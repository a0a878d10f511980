"""The connections of one backend: several that read, one that writes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from polystore.errors import Closed, Conflict, PolystoreError
from polystore_sqlite.connection import Connection, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from polystore.types.call import Call
    from polystore_sqlite.config import SqliteConfig

T = TypeVar("T")
_SCHEMA_TIMEOUT, _POLL = 60.0, 0.02
"""Seconds to wait for another process that changes the schema, and between two looks."""


@dataclass(slots=True)
class Session:
    """A unit of work, on the connection that writes."""

    database: Database
    open: bool = True


class Database:
    """Carries out what drivers ask, each call in a transaction of its own or in its unit's.

    Readers see the last commit and wait for nobody (write-ahead log). One call or unit writes at a
    time: calls of this client take turns here, other processes by SQLite's lock on the file.
    """

    def __init__(self, config: SqliteConfig) -> None:
        self._config = config
        self._writer = Worker(config.path, config.busy_timeout)
        self._readers = [Worker(config.path, config.busy_timeout) for _ in range(config.readers)]
        self._idle: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        for reader in self._readers:
            self._idle.put_nowait(reader)
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Close every connection."""
        for worker in (*self._readers, self._writer):
            await worker.close()

    async def read(self, call: Call | None, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads from one state of the file."""
        if call is not None and call.session is not None:
            return await self._in_unit(call.session, work)
        reader = await self._idle.get()
        try:
            return await reader.run(lambda connection: _snapshot(connection, work))
        finally:
            self._idle.put_nowait(reader)

    async def write(self, call: Call | None, work: Callable[[Connection], T]) -> T:
        """Carry out `work` wholly or not at all."""
        if call is not None and call.session is not None:
            return await self._in_unit(call.session, work)
        async with self._turn:
            return await self._writer.run(lambda connection: _atomically(connection, work))

    async def outside_transactions(self, work: Callable[[Connection], T]) -> T:
        """Carry out what SQLite allows outside of transactions only."""
        async with self._turn:
            return await self._writer.run(work)

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[Session]:
        """Hold the connection that writes for a unit of work; commit at the end."""
        async with self._turn:
            session = Session(self)
            try:
                await self._writer.run(lambda connection: connection.change("BEGIN IMMEDIATE"))
                yield session
                session.open = False
                await self._writer.finish(lambda connection: connection.change("COMMIT"))
            finally:
                session.open = False
                await self._writer.finish(_roll_back)

    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        """Hold off other processes: a second file, as the first must stay free to be changed."""
        path = self._config.path
        lock = Worker(path.with_name(path.name + "-schema"), busy_timeout=0, bare=True)
        try:
            await _lock(lock)
            yield
        finally:
            await lock.close()

    async def _in_unit(self, session: object, work: Callable[[Connection], T]) -> T:
        if not isinstance(session, Session) or session.database is not self:
            raise PolystoreError("this unit of work belongs to another backend")
        if not session.open:
            raise Closed("this unit of work has ended", hint="Open a new one")
        return await self._writer.run(lambda connection: _atomically(connection, work))


async def _lock(lock: Worker) -> None:
    # Tried again from here and not by SQLite, so that who is cancelled need not wait for it.
    for _ in range(int(_SCHEMA_TIMEOUT / _POLL)):
        with suppress(Conflict):
            await lock.run(lambda connection: connection.change("BEGIN EXCLUSIVE"))
            return
        await asyncio.sleep(_POLL)
    raise Conflict(
        "another process is changing the schema of the file",
        hint="Wait until it is done, or end it",
        retryable=True,
    )


def _atomically(connection: Connection, work: Callable[[Connection], T]) -> T:
    # Not `with connection`, which waits for locks and the disk while it blocks all of Python.
    inside = connection.raw.in_transaction
    connection.change("SAVEPOINT call" if inside else "BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.change("RELEASE call" if inside else "COMMIT")
    except BaseException:
        if inside and connection.raw.in_transaction:
            connection.change("ROLLBACK TO call; RELEASE call")
        elif not inside:
            _roll_back(connection)
        raise
    return result


def _snapshot(connection: Connection, work: Callable[[Connection], T]) -> T:
    connection.change("BEGIN DEFERRED")
    try:
        return work(connection)
    finally:
        connection.change("ROLLBACK")


def _roll_back(connection: Connection) -> None:
    if connection.raw.in_transaction:
        connection.change("ROLLBACK")
