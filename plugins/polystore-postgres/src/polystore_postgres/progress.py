"""How far the server is with the indexes that it builds, for whoever waits for them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from polystore.errors import PolystoreError
from polystore.types.reports import Progress
from polystore_postgres.errors import DRIVER_ERRORS
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import asyncpg

    from polystore_postgres.pool import Pool

_log = logging.getLogger("polystore")
_EVERY: Final = 1.0
"""Seconds between two looks."""


@asynccontextmanager
async def told(
    pool: Pool, schema: str, tell: Callable[[Progress], object] | None
) -> AsyncGenerator[None]:
    """Call `tell` with every index build of `schema`, of other processes too, during the block.

    Builds that change nothing visible between two looks are told once. A look that fails ends the
    telling, with a warning in the log, and never what is being waited for.

    Args:
        pool: An open pool.
        schema: Where the tables are.
        tell: What to call; None: nobody wants to know.
    """
    if tell is None:
        yield
        return
    watching = asyncio.create_task(_watch(pool, schema, tell))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait([watching])
    if not watching.cancelled():
        watching.result()  # what `tell` raised


async def _watch(pool: Pool, schema: str, tell: Callable[[Progress], object]) -> None:
    sql = block("doctor.sql", "building")
    last: list[Progress] = []
    try:
        # Of its own, as the build may need the pool's last connection.
        connection = await pool.endpoint.connect_patiently()
        try:
            while True:
                # A statement alone keeps its snapshot on the server until the next one, and a
                # build that is concurrent would wait for it.
                async with connection.transaction():
                    rows = await connection.fetch(sql, schema)
                now = [_progress(pool.backend, row) for row in rows]
                for progress in now:
                    if progress not in last:
                        tell(progress)
                last = now
                await asyncio.sleep(_EVERY)
        finally:
            connection.terminate()
    except (PolystoreError, *DRIVER_ERRORS) as error:
        _log.warning(
            "how far builds are on backend %s cannot be told: %s",
            pool.backend,
            pool.translator.statement(error),
        )


def _progress(backend: str, row: asyncpg.Record) -> Progress:
    """Return what the server tells; it counts in one of three ways, as the phase needs."""
    what = f"index {row['name'] or '(being made)'} of {row['table_name']}"
    for unit in ("tuples", "blocks", "lockers"):
        if row[f"{unit}_total"]:
            shown = "transactions" if unit == "lockers" else unit
            return Progress(
                backend, what, row["phase"], row[f"{unit}_done"], row[f"{unit}_total"], shown
            )
    return Progress(backend, what, row["phase"], row["tuples_done"], 0, "tuples")
