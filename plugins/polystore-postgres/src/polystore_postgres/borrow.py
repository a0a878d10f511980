"""Lending one connection for one block, with settings, and errors translated."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncpg import exceptions as pg

from polystore.errors import ConnectionFailed, OutcomeUnknown
from polystore_postgres.errors import DRIVER_ERRORS, never_sent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from polystore_postgres.connection import Connection
    from polystore_postgres.pool import Pool
    from polystore_postgres.session import Session

_SET = "SELECT set_config(n, v, $3) FROM unnest($1::text[], $2::text[]) AS s(n, v)"
# Settings that mean something to one kind of index scan only may stay on a connection.
_HARMLESS = ("hnsw.", "ivfflat.")


class Borrow:
    """The context manager behind `Pool.acquire`; see there."""

    __slots__ = (
        "_autocommit", "_connection", "_idempotent", "_pool", "_raw", "_session", "_settings",
        "_timeout", "_transaction",
    )  # fmt: skip

    def __init__(
        self,
        pool: Pool,
        session: Session | None,
        settings: Mapping[str, str] | None,
        timeout: float | None,
        *,
        autocommit: bool = False,
        raw: bool = False,
        idempotent: bool = True,
    ) -> None:
        self._pool = pool
        self._session = session
        self._settings = settings
        self._timeout = timeout
        self._autocommit = autocommit
        self._raw = raw
        self._idempotent = idempotent
        self._transaction = False
        self._connection: Connection | None = None

    @classmethod
    async def failed(
        cls, pool: Pool, connection: Connection, error: BaseException, *, idempotent: bool
    ) -> None:
        """Give back a connection that `Slots.take` gave, and raise `error` as `Borrow` would.

        Returns:
            If the error is none of the driver's: raise it as it is.
        """
        borrow = cls(pool, None, None, None, idempotent=idempotent)
        borrow._connection = connection
        await borrow.__aexit__(type(error), error, None)

    async def __aenter__(self) -> Connection:
        if self._session is not None:
            return await self._enter_session(self._session)
        connection = await self._pool.checkout(self._timeout)
        try:
            if self._pool.config.pgbouncer:
                await self._begin_pooled(connection)
            elif self._settings is not None or connection.held:
                await self._hold(connection)
        except BaseException as error:
            self._pool.recover(connection)
            if isinstance(error, DRIVER_ERRORS):
                raise self._pool.translator.statement(error) from error
            raise
        self._connection = connection
        return connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            self._session.leave()
        else:
            await self._return(error)
        if isinstance(error, DRIVER_ERRORS):
            translated = self._pool.translator.statement(error)
            lost = isinstance(translated, ConnectionFailed) or isinstance(error, TimeoutError)
            if lost and not self._idempotent and self._session is None and _unknown(error):
                raise unknown_outcome(self._pool.backend) from error
            raise translated from error

    async def _return(self, error: BaseException | None) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if self._transaction and error is None:
                await connection.execute("COMMIT")
        except BaseException as failure:
            self._pool.recover(connection)
            if isinstance(failure, DRIVER_ERRORS):
                if not self._idempotent and _unknown(failure):
                    raise unknown_outcome(self._pool.backend) from failure
                raise self._pool.translator.statement(failure) from failure
            raise
        if connection.is_closed():
            self._pool.give_back(connection)  # which drops it
        elif self._raw or _interrupted(error) or connection.is_in_transaction():
            self._pool.recover(connection)
        else:
            self._pool.give_back(connection)

    async def _enter_session(self, session: Session) -> Connection:
        connection = await session.enter(self._pool)
        wanted = self._settings or {}
        changed = {k: v for k, v in wanted.items() if session.local.get(k) != v}
        if not changed:
            return connection
        try:
            await set_here(connection, changed)
            session.local.update(changed)
        except BaseException as error:
            session.leave()
            if isinstance(error, DRIVER_ERRORS):
                raise self._pool.translator.statement(error) from error
            raise
        return connection

    async def _begin_pooled(self, connection: Connection) -> None:
        """Behind a pooler every block is a transaction: between two the server may change."""
        if self._autocommit:
            return
        await connection.execute("BEGIN")
        self._transaction = True
        settings = {**self._pool.endpoint.local_settings, **(self._settings or {})}
        if settings:
            await set_here(connection, settings)

    async def _hold(self, connection: Connection) -> None:
        """Make the session's settings those asked for; send only what differs."""
        wanted = self._settings
        held = connection.held
        changes: dict[str, str | None] = {
            name: None
            for name in held
            if (not name.startswith(_HARMLESS) if wanted is None else name not in wanted)
        }
        changes.update({k: v for k, v in (wanted or {}).items() if held.get(k) != v})
        if not changes:
            return
        await connection.fetch(_SET, list(changes), list(changes.values()), False)
        for name, value in changes.items():
            if value is None:
                del held[name]
            else:
                held[name] = value


async def set_here(
    connection: Connection, settings: Mapping[str, str], *, local: bool = True
) -> None:
    """Set `settings`, for the running transaction only or (not `local`) for the session."""
    await connection.fetch(_SET, list(settings), list(settings.values()), local)


def unknown_outcome(backend: str) -> OutcomeUnknown:
    """Return the error for a write that was cut off and cannot simply be repeated."""
    return OutcomeUnknown(
        "the connection was lost before the server's answer; the write may have happened",
        backend=backend,
        hint="Read the item to learn what happened",
    )


def _interrupted(error: BaseException | None) -> bool:
    kinds = asyncio.CancelledError | TimeoutError | pg.InterfaceError | pg.InternalClientError
    return isinstance(error, kinds)


def _unknown(error: BaseException) -> bool:
    """Whether the server may have done it: it answered with no error of its own."""
    if never_sent(error):
        return False
    if isinstance(error, pg.PostgresConnectionError | pg.CrashShutdownError):
        return True
    return not isinstance(error, pg.PostgresError | pg.DataError)
