"""The pool: how every statement of this backend reaches the server.

It keeps connections itself instead of using the driver's pool, whose reset query per borrow and
extra task per return cost more than a point read. A connection comes back as it went out: one
left in a transaction, or whose statement was cancelled, is rolled back and reset in the
background before anybody gets it; one that does not recover is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import asyncpg

from polystore.errors import Closed, OperationTimeout, WrongLoop
from polystore_postgres.borrow import Borrow
from polystore_postgres.connection import Connection, Endpoint, ServerFacts
from polystore_postgres.transaction import run_transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping

    from polystore_postgres.config import PostgresConfig
    from polystore_postgres.embedded import EmbeddedServer
    from polystore_postgres.session import Session

Isolation: TypeAlias = Literal["read committed", "repeatable read", "serializable"]
_RECOVERY_TIMEOUT = 10.0
_CLOSE_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class PoolStats:
    """How a pool is doing.

    Attributes:
        size: Connections that are open or being opened.
        idle: Of them, free ones.
        in_use: Of them, lent, opening or recovering ones.
        waiting: Calls that wait for one.
        maximum: How many there may be.
    """

    size: int
    idle: int
    in_use: int
    waiting: int
    maximum: int


class Pool:
    """Connections to one server, for one event loop.

    Attributes:
        config: The backend's configuration.
        backend: Its name.
        facts: What the server is.
        translator: Of errors.
    """

    def __init__(self, config: PostgresConfig, endpoint: Endpoint, facts: ServerFacts) -> None:
        self.config = config
        self.endpoint = endpoint
        self.facts = facts
        self.translator = endpoint.translator
        self.backend = endpoint.translator.backend
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._size = 0
        self._generation = 0
        self._closed = False
        self._drained = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls, config: PostgresConfig, *, backend: str, embedded: EmbeddedServer | None = None
    ) -> Pool:
        """Connect and return the pool, trying again while the server is starting.

        Args:
            config: The backend's configuration.
            backend: Its name, for errors.
            embedded: The running server, where the configuration says `embedded`.

        Raises:
            ConfigError: The address or the TLS files make no sense.
            ConnectionFailed: The server cannot be reached, or refuses us.
            UnsupportedError: It is too old.
        """
        endpoint = Endpoint(config, backend=backend, embedded=embedded)
        first = await endpoint.connect_patiently()
        try:
            facts = await endpoint.facts(first)
            await endpoint.prepare(first, facts)
        except BaseException:
            first.terminate()
            raise
        pool = cls(config, endpoint, facts)
        pool._size = 1
        pool._all.add(first)
        pool.give_back(first)
        try:
            await pool._warm_up()
        except BaseException:
            pool.terminate()
            raise
        return pool

    def acquire(
        self,
        session: Session | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        autocommit: bool = False,
        raw: bool = False,
        idempotent: bool = True,
    ) -> Borrow:
        """Lend a connection: `async with pool.acquire() as connection`.

        Errors of the driver inside the block come out translated.

        Args:
            session: A unit's session: its connection is lent, one borrower at a time.
            settings: Server settings that hold inside the block. Nothing is sent when they hold
                already. Without them, none that changes other queries is left from before.
            timeout: Seconds to wait for a connection; None: `pool.acquire_timeout`.
            autocommit: The block runs statements without parameters that cannot be in a
                transaction; matters behind a pooler only, where each block is a transaction.
            raw: The block may do anything to the session: it is reset afterwards.
            idempotent: Whether what the block does can be done twice. If not, losing the
                connection raises OutcomeUnknown.

        Raises:
            OperationTimeout: No connection came free in time.
            ConnectionFailed: A new one could not be opened.
            Closed: The pool, or the session, is closed.
            WrongLoop: The pool belongs to another event loop.
        """
        return Borrow(
            self,
            session,
            settings,
            timeout,
            autocommit=autocommit,
            raw=raw,
            idempotent=idempotent,
        )

    async def fetch(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> list[asyncpg.Record]:
        """Run one statement and return its rows; arguments as for `acquire`."""
        async with Borrow(self, session, settings, timeout, idempotent=idempotent) as connection:
            return await connection.fetch(sql, *arguments, timeout=timeout)

    async def fetchrow(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> asyncpg.Record | None:
        """Run one statement and return its first row; arguments as for `acquire`."""
        async with Borrow(self, session, settings, timeout, idempotent=idempotent) as connection:
            return await connection.fetchrow(sql, *arguments, timeout=timeout)

    async def fetchval(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> Any:
        """Run one statement and return the first value of its first row, else None."""
        async with Borrow(self, session, settings, timeout, idempotent=idempotent) as connection:
            return await connection.fetchval(sql, *arguments, timeout=timeout)

    async def execute(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> str:
        """Run one statement (without arguments: several) and return its command tag."""
        async with Borrow(self, session, settings, timeout, idempotent=idempotent) as connection:
            return await connection.execute(sql, *arguments, timeout=timeout)

    @contextlib.asynccontextmanager
    async def transaction(
        self,
        *,
        isolation: Isolation = "read committed",
        readonly: bool = False,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> AsyncGenerator[Session]:
        """Open a transaction; it commits at the end of the block, or rolls back on an error.

        Args:
            isolation: As the server means it.
            readonly: Whether writes are refused.
            timeout: Seconds to wait for a connection.
            idempotent: Whether the whole block can be done twice.

        Raises:
            OutcomeUnknown: The connection was lost during the commit, and not `idempotent`.
            Conflict: Another transaction came first, or a statement in the block had failed.
        """
        async with run_transaction(self, isolation, readonly, timeout, idempotent) as session:
            yield session

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Connection]:
        """Lend a connection for schema work: to `admin_dsn` where given, else of this pool."""
        if self.config.admin_dsn is None:
            async with self.acquire(autocommit=True, raw=True) as connection:
                yield connection
            return
        endpoint = Endpoint(self.config, backend=self.backend, admin=True)
        connection = await endpoint.connect_patiently()
        try:
            await endpoint.prepare(connection, await endpoint.facts(connection))
            yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise self.translator.statement(error) from error
        finally:
            connection.terminate()

    async def refresh(self) -> ServerFacts:
        """Read the server's facts again, e.g. after installing pgvector; renews connections."""
        async with self.acquire(autocommit=True) as connection:
            self.facts = await self.endpoint.facts(connection)
        self._generation += 1
        for stale in list(self._idle):
            self._idle.remove(stale)
            self._drop(stale)
        return self.facts

    def stats(self) -> PoolStats:
        """Return how the pool is doing."""
        idle = len(self._idle)
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolStats(self._size, idle, self._size - idle, waiting, self.config.pool.max)

    # What borrows and transactions need of the pool.

    async def checkout(self, timeout: float | None) -> Connection:
        """Return a connection that the caller owns until `give_back` or `recover`."""
        if asyncio.get_running_loop() is not self._loop:
            raise WrongLoop(
                "this client was opened in another event loop",
                backend=self.backend,
                hint="Open one client per event loop",
            )
        self._check_open()
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            self._drop(connection)
        if self._size < self.config.pool.max:
            self._size += 1
            return await self._grow()
        granted = await self._wait_turn(timeout)
        return granted if granted is not None else await self._grow()

    def give_back(self, connection: Connection) -> None:
        """Take back a connection that is as clean as it was."""
        stale = connection.generation != self._generation
        if connection.is_closed() or self._closed or stale:
            self._drop(connection)
            return
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._schedule_sweep()

    def recover(self, connection: Connection) -> None:
        """Take back a connection in an unknown state: it is cleaned before its next use."""
        if connection.is_closed() or self._closed:
            self._drop(connection)
        else:
            self._spawn(self._recover(connection))

    async def close(self, timeout: float = _CLOSE_TIMEOUT) -> None:
        """Close every connection; those still in use after `timeout` seconds are cut."""
        if self._closed:
            return
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(Closed("the backend was closed", backend=self.backend))
        try:
            async with asyncio.timeout(timeout):
                idle, self._idle = self._idle, []
                await asyncio.gather(*(self._close(connection) for connection in idle))
                while self._size:
                    self._drained.clear()
                    await self._drained.wait()
        except TimeoutError:
            pass  # what is left is cut below
        finally:
            self.terminate()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def terminate(self) -> None:
        """Cut every connection at once."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in self._tasks:
            task.cancel()
        for connection in list(self._all):
            self._drop(connection)

    # Inside.

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("the backend is closed", backend=self.backend)

    async def _warm_up(self) -> None:
        missing = self.config.pool.min - self._size
        if missing <= 0:
            return
        self._size += missing
        opened = await asyncio.gather(
            *(self._grow() for _ in range(missing)), return_exceptions=True
        )
        for result in opened:
            if isinstance(result, BaseException):
                raise result
            self.give_back(result)

    async def _grow(self) -> Connection:
        """Open a connection for a slot that is counted already."""
        connection: Connection | None = None
        try:
            generation = self._generation
            connection = await self.endpoint.connect()
            await self.endpoint.prepare(connection, self.facts)
            self._check_open()
        except BaseException:
            if connection is not None:
                connection.terminate()
            self._free_slot()
            raise
        connection.generation = generation
        self._all.add(connection)
        return connection

    async def _wait_turn(self, timeout: float | None) -> Connection | None:
        limit = self.config.pool.acquire_timeout
        if timeout is not None:
            limit = min(limit, timeout)
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(limit):
                return await waiter
        except BaseException as error:
            self._pass_on(waiter)
            if isinstance(error, TimeoutError):
                raise self._exhausted(limit) from None
            raise

    def _pass_on(self, waiter: asyncio.Future[Connection | None]) -> None:
        """Give away what a waiter was granted in the moment it went away."""
        if not waiter.done():
            self._waiters.remove(waiter)
        elif not waiter.cancelled() and waiter.exception() is None:
            granted = waiter.result()
            if granted is None:
                self._free_slot()
            else:
                self.give_back(granted)
        elif waiter in self._waiters:
            self._waiters.remove(waiter)

    def _exhausted(self, limit: float) -> OperationTimeout:
        stats = self.stats()
        return OperationTimeout(
            f"no connection came free in {limit:g} s: all {stats.maximum} are in use and "
            f"{stats.waiting} other calls wait",
            backend=self.backend,
            hint="Raise pool.max or pool.acquire_timeout, or do less at the same time",
        )

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _free_slot(self) -> None:
        waiter = None if self._closed else self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)  # the slot stays counted and is the waiter's now
            return
        self._size -= 1
        if self._size == 0:
            self._drained.set()

    def _drop(self, connection: Connection) -> None:
        if connection in self._all:
            self._all.remove(connection)
            connection.terminate()
            self._free_slot()

    async def _close(self, connection: Connection) -> None:
        try:
            await connection.close(timeout=_CLOSE_TIMEOUT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            pass  # it was going away anyhow; cut below
        finally:
            self._drop(connection)

    async def _recover(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_RECOVERY_TIMEOUT):
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
                if not self.config.pgbouncer:
                    await connection.execute(connection.get_reset_query())
                connection.held.clear()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            self._drop(connection)
        except BaseException:
            self._drop(connection)
            raise
        else:
            self.give_back(connection)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _schedule_sweep(self) -> None:
        self._sweeper = self._loop.call_later(self.config.pool.idle_timeout / 2, self._sweep)

    def _sweep(self) -> None:
        """Close what was idle for too long; the list is in the order of return."""
        self._sweeper = None
        oldest = self._loop.time() - self.config.pool.idle_timeout
        while self._idle and self._size > self.config.pool.min:
            if self._idle[0].idle_since > oldest:
                break
            self._drop(self._idle.pop(0))
        if self._idle and self._size > self.config.pool.min:
            self._schedule_sweep()
