"""The first statistics of a table, before autovacuum comes by.

A table that was filled a moment ago has none. PostgreSQL then takes nearly every index to be as
good as the right one, and reads through the whole of another: the neighbours in a graph of 20,000
edges took 4 ms rather than 0.25 ms. Autovacuum looks once a minute, or never where it is off.
The first rows of a load are no good sample either, as edges may come in order of their sources: so
they are gathered anew when there are ten times as many.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from polystore.types.call import Call
    from polystore_postgres.pool import Pool

_log = logging.getLogger("polystore")
_ENOUGH: Final = 2000
"""Rows from which on it matters which index is read."""
_GROWTH: Final = 10
"""Times as many rows as before have other statistics."""
_UNKNOWN: Final = "SELECT reltuples < $2 FROM pg_class WHERE oid = $1::text::regclass"


class FirstStatistics:
    """Gathers a table's statistics when this client has filled it, or filled it tenfold.

    Args:
        pool: Where to.
        table: With the schema, quoted.
    """

    def __init__(self, pool: Pool, table: str) -> None:
        self._pool = pool
        self._table = table
        self._rows = 0
        self._next = _ENOUGH

    async def wrote(self, rows: int, call: Call) -> None:
        """Note that a call stored rows; those of a unit of work nobody else sees yet."""
        if call.session is not None:
            return
        self._rows += rows
        if self._rows >= self._next:
            enough, self._next = self._next, self._rows * _GROWTH
            await self._gather(enough)

    def cleared(self) -> None:
        """Note that a workspace was emptied: what was known may soon be that there is nothing."""
        self._rows, self._next = 0, _ENOUGH

    async def _gather(self, enough: int) -> None:
        try:
            if await self._pool.fetchval(_UNKNOWN, self._table, enough / 2):
                # Where somebody else holds the table for a change of schema, nobody waits for that.
                await self._pool.execute(f"ANALYZE (SKIP_LOCKED) {self._table}")
        except PolystoreError as error:
            # What was to be stored is stored; autovacuum gathers them later.
            _log.info("no statistics of %s yet: %s", self._table, error.message)
