"""The connections behind a pool: who has which, who waits, what is cleaned, what is closed."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polystore.errors import Closed, OperationTimeout, WrongLoop
from polystore_postgres.connection import Connection
from polystore_postgres.errors import WIRE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from polystore_postgres.config import PostgresConfig
    from polystore_postgres.connection import Endpoint, ServerFacts

_RECOVERY_TIMEOUT = 10.0
CLOSE_TIMEOUT = 5.0
_LOOKED_AT = 4


@dataclass(frozen=True, slots=True)
class PoolStats:
    """How a pool is doing.

    Attributes:
        size: Connections that are open or being opened.
        idle: Of them, free ones.
        in_use: Of them, lent, opening or recovering ones.
        waiting: Calls that wait for one.
        maximum: How many there may be.
        created: Connections opened since the pool was.
        closed: Of them, those closed again.
    """

    size: int
    idle: int
    in_use: int
    waiting: int
    maximum: int
    created: int
    closed: int


class Slots:
    """At most `pool.max` connections, lent to one owner at a time; for one event loop.

    Attributes:
        config: The backend's configuration.
        endpoint: How to open another connection.
        facts: What the server is.
        translator: Of errors.
        backend: Its name.
    """

    def __init__(self, config: PostgresConfig, endpoint: Endpoint, facts: ServerFacts) -> None:
        self.config = config
        self.endpoint = endpoint
        self.facts = facts
        self.translator = endpoint.translator
        self.backend = endpoint.translator.backend
        self._loop = asyncio.get_running_loop()
        self._pooled = config.pgbouncer
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._size = 0
        self._created = 0
        self._generation = 0
        self._closed = False
        self._drained = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None

    def stats(self) -> PoolStats:
        """Return how the pool is doing."""
        idle = len(self._idle)
        waiting = sum(not waiter.done() for waiter in self._waiters)
        return PoolStats(
            self._size,
            idle,
            self._size - idle,
            waiting,
            self.config.pool.max,
            self._created,
            self._created - len(self._all),
        )

    def has_room(self) -> bool:
        """Whether a connection can be had at once, or opened.

        Raises:
            Closed: The pool is closed.
        """
        self._check_open()
        return bool(self._idle) or self._size < self.config.pool.max

    async def warm_up(self, first: Connection) -> None:
        """Start with one connection, and open more up to `pool.min`."""
        self._size = 1
        self._created += 1
        self._all.add(first)
        self.give_back(first)
        missing = self.config.pool.min - self._size
        self._size += max(missing, 0)
        try:
            opened = await asyncio.gather(
                *(self._grow() for _ in range(missing)), return_exceptions=True
            )
        except BaseException:
            self.terminate()
            raise
        for result in opened:
            if isinstance(result, Connection):
                self.give_back(result)
        failures = [result for result in opened if isinstance(result, BaseException)]
        if failures:
            self.terminate()
            raise failures[0]

    def renew(self) -> None:
        """Replace every connection, those in use when they come back."""
        self._generation += 1
        while self._idle:
            self._drop(self._idle.pop())

    def take(self, settings: Mapping[str, str] | None = None) -> Connection | None:
        """Return an idle connection over which a statement can be sent as it is, if there is one.

        Those used last are looked at first, and only a few, so that connections with settings of
        their own keep to the work that needs them. It is the caller's until `give_back` or
        `recover`, as one of `checkout`.

        Args:
            settings: What has to hold on it; None: nothing but what it was opened with.
        """
        if self._closed or self._pooled or asyncio.get_running_loop() is not self._loop:
            return None
        idle = self._idle
        wanted = settings or {}
        for place in range(len(idle) - 1, max(len(idle) - _LOOKED_AT, 0) - 1, -1):
            connection = idle[place]
            if connection.held == wanted and not connection.is_closed():
                del idle[place]
                return connection
        return None

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

    async def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
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
        self._created += 1
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
            await connection.close(timeout=CLOSE_TIMEOUT)
        except WIRE_ERRORS:
            pass  # it was going away anyhow; cut below
        finally:
            self._drop(connection)

    async def _recover(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_RECOVERY_TIMEOUT):
                # Without asking whether there is a transaction: of a BEGIN that was cut off it is
                # not known yet. Where there is none the server only notes that.
                await connection.execute("ROLLBACK")
                connection.forget_transaction()
                if not self.config.pgbouncer:
                    await connection.execute(connection.get_reset_query())
                connection.held.clear()
        except WIRE_ERRORS:
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
