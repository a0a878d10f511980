"""One process at a time: a lock of the database that outlives statements, also behind a pooler."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from polystore_postgres.connection import be_patient
from polystore_postgres.errors import DRIVER_ERRORS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore_postgres.pool import Pool

_PAUSE: Final = 0.1
_TRY: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"


@asynccontextmanager
async def exclusively(pool: Pool, what: str) -> AsyncGenerator[None]:
    """Hold the lock named `what` for the block, in which indexes may be built concurrently.

    It takes a connection of its own, as the work may need the pool's last one.
    """
    connection = await pool.endpoint.connect_patiently()
    try:
        # The lock ends with its transaction, which will be idle for as long as the work takes.
        # CREATE INDEX CONCURRENTLY waits for whoever has a snapshot, as one has who waits inside
        # a statement: so nobody waits inside one, but asks again.
        while True:
            transaction = connection.transaction()
            await transaction.start()
            await be_patient(connection, local=True)
            if await connection.fetchval(_TRY, what):
                break
            await transaction.rollback()
            await asyncio.sleep(_PAUSE)
        # The server keeps a statement with parameters, and its snapshot, until another one comes;
        # one without parameters leaves nothing.
        await connection.execute("SELECT 1")
        yield
    except DRIVER_ERRORS as error:
        raise pool.translator.statement(error) from error
    finally:
        connection.terminate()
