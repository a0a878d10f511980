"""Transactions: begin, commit or roll back, and the truth about what happened."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from asyncpg import exceptions as pg

from polystore.errors import Conflict
from polystore_postgres.borrow import set_here, unknown_outcome
from polystore_postgres.errors import DRIVER_ERRORS
from polystore_postgres.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore.types.call import Isolation
    from polystore_postgres.connection import Connection
    from polystore_postgres.pool import Pool


@contextlib.asynccontextmanager
async def run_transaction(
    pool: Pool, isolation: Isolation, readonly: bool, timeout: float | None, idempotent: bool
) -> AsyncGenerator[Session]:
    """Carry out `Pool.transaction`; see there."""
    connection = await pool.checkout(timeout)
    session = Session(pool, connection, isolation)
    try:
        await _begin(pool, connection, isolation, readonly=readonly)
        yield session
        await session.end()
        await _commit(pool, connection, idempotent=idempotent)
    except BaseException as error:
        session.abandon()
        pool.recover(connection)
        if isinstance(error, DRIVER_ERRORS):
            raise pool.translator.statement(error) from error
        raise
    pool.give_back(connection)


async def _begin(
    pool: Pool, connection: Connection, isolation: Isolation, *, readonly: bool
) -> None:
    mode = " READ ONLY" if readonly else ""  # else as the server says: it may refuse writes
    await connection.execute(f"BEGIN ISOLATION LEVEL {isolation.upper()}{mode}")
    if pool.endpoint.local_settings:
        await set_here(connection, pool.endpoint.local_settings)


async def _commit(pool: Pool, connection: Connection, *, idempotent: bool) -> None:
    """Commit to the end even when cancelled: half a commit is what nobody can explain."""
    work = asyncio.ensure_future(connection.execute("COMMIT"))
    cancelled = False
    while not work.done():
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            cancelled = True
        except DRIVER_ERRORS:
            break  # told below, from the finished work
    if cancelled:
        work.exception()  # the caller learns of the cancellation; mark the other as seen
        raise asyncio.CancelledError
    try:
        tag = work.result()
    except DRIVER_ERRORS as error:
        answered = isinstance(error, pg.PostgresError) and not isinstance(
            error, pg.PostgresConnectionError | pg.CrashShutdownError
        )
        if idempotent or answered:
            raise
        raise unknown_outcome(pool.backend) from error
    if tag != "COMMIT":
        raise Conflict(
            "a statement in this transaction had failed, so nothing of it was kept",
            backend=pool.backend,
            hint="Do it again, and leave the block when a call in it fails",
        )
