"""Another index for nearness in the place of the one that is there, while others read and write.

The new one is built beside the old one, under a name of its own, and takes the old one's name in
one short transaction. Searches use the old one until then. A process that still has the old
declaration goes on with right answers afterwards, though perhaps more slowly. A rebuild that was
cut off is taken up where it was: what is there and as wanted is kept, all else is made anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from polystore.errors import OperationTimeout
from polystore_postgres.errors import DRIVER_ERRORS
from polystore_postgres.exclusion import exclusively
from polystore_postgres.names import index_name, quote_identifier
from polystore_postgres.online import add_indexes
from polystore_postgres.schema_vector import (
    NEAREST,
    VECTOR,
    ann_index,
    partitions,
)
from polystore_postgres.sqlfile import block
from polystore_postgres.vector_index import WORTH_LISTS, give_room

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore_postgres.connection import Connection
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool
    from polystore_postgres.schema_vector import AnnIndex

_NEXT: Final = "nearest next"
_PATIENCE: Final = 24 * 3600.0
_BRIEFLY: Final = "SET LOCAL lock_timeout = '500ms'"
"""Who waits for a table makes all others wait behind; so often, and with a pause, is better."""
_TRIES: Final = 60
_PAUSE: Final = 0.5


def rebuild_statements(stored: StoredSpec, names: Names) -> list[str]:
    """Return what `rebuild_index` sends where nothing is left of an earlier one."""
    ann = ann_index(stored, names)
    built = [] if ann is None else ann.index(what=_NEXT).online(names.quoted)
    return built + _swap(stored, names, built=ann is not None)


async def rebuild_index(pool: Pool, stored: StoredSpec, names: Names) -> None:
    """Make the index for nearness what `stored` says.

    Args:
        pool: The pool.
        stored: As it is to be.
        names: The names in the schema.

    Raises:
        OperationTimeout: The table was never free for the moment that exchanging the two takes.
    """
    table = names.table(VECTOR, stored)
    async with exclusively(pool, f"polystore build {table}"), pool.admin() as connection:
        ann = ann_index(stored, names)
        if ann is not None and await _is_as_wanted(connection, ann, NEAREST):
            return
        built = ann is not None and await _build(pool, connection, ann)
        await _briefly(pool, connection, _swap(stored, names, built=built))
        analyze = block("vector.sql", "analyze", schema=names.schema, table=_bare(stored, names))
        await connection.execute(analyze, timeout=_PATIENCE)


async def _build(pool: Pool, connection: Connection, ann: AnnIndex) -> bool:
    """Build the new index under its name for now; return False where it is not yet worth it."""
    places = {"schema": ann.names.schema, "table": ann.table}
    count = block("vector.sql", "count_all", **places)
    rows: int = await connection.fetchval(count, timeout=_PATIENCE)
    if ann.deferred and rows < WORTH_LISTS:
        return False
    index = ann.index(rows, what=_NEXT)
    if not await _is_as_wanted(connection, ann, _NEXT, whole=False):
        drop = block("vector.sql", "drop_index", schema=ann.names.schema, index=index.name)
        await connection.execute(drop, timeout=_PATIENCE)
    await give_room(pool, connection, ann, rows)
    await add_indexes(connection, ann.names, [index])
    return True


async def _is_as_wanted(
    connection: Connection, ann: AnnIndex, what: str, *, whole: bool = True
) -> bool:
    """Whether an index is there and built as `ann` says.

    Args:
        connection: Outside a transaction.
        ann: As it is to be.
        what: Which one.
        whole: Whether it has to be usable; else one that is still to be finished will do.
    """
    async with connection.transaction():
        row = await connection.fetchrow(
            block("vector.sql", "index_shape"), ann.names.schema, index_name(ann.table, what)
        )
    if row is None or (whole and not row["usable"]):
        return False
    declared = ann.spec.index
    options = set(row["options"] or ())
    wanted = {option.replace(" ", "") for option in ann.settings(0).split(",")}
    same = (ann.method == "ivfflat" and declared.lists is None) or wanted <= options
    return same and (row["method"], row["operators"]) == (ann.method, ann.operators)


def _swap(stored: StoredSpec, names: Names, *, built: bool) -> list[str]:
    """Return the statements that let the new index, if one was built, take the old one's place."""
    tables = [_bare(stored, names), *partitions(stored, names)]
    old = names.qualify(index_name(tables[0], NEAREST))
    statements = [f"DROP INDEX IF EXISTS {old}"]
    if built:
        statements += [
            f"ALTER INDEX {names.qualify(index_name(table, _NEXT))} "
            f"RENAME TO {quote_identifier(index_name(table, NEAREST))}"
            for table in tables
        ]
    return statements


async def _briefly(pool: Pool, connection: Connection, statements: list[str]) -> None:
    """Carry out `statements` in one transaction, in a moment when nobody is in the way."""
    for _ in range(_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(_BRIEFLY)
                for statement in statements:
                    await connection.execute(statement)
        except DRIVER_ERRORS as error:
            told = pool.translator.statement(error)
            if not isinstance(told, OperationTimeout):
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return
    raise OperationTimeout(
        "the table was in use at every try to exchange its index; both are there",
        backend=pool.backend,
        hint="Look for a long transaction on the table (pg_stat_activity), and apply again",
    )


def _bare(stored: StoredSpec, names: Names) -> str:
    return names.bare(VECTOR, stored)
