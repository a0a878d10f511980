"""Changing a store that has data, while others read and write it.

A field gets its column empty, with a constraint that holds for new rows only: from then on a
process that does not know the field fails loudly instead of writing rows that the index misses.
Old rows are filled in small transactions; at the end the table is as if made with the field.
Every step finds what a run before it left, so an interrupted change is finished by the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from polystore_postgres.fields import KeyColumns
from polystore_postgres.sqlfile import block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.backend import Backend
    from polystore.filters import Path
    from polystore.progress import Counting
    from polystore_postgres.connection import Connection
    from polystore_postgres.names import Names
    from polystore_postgres.tables import KeyTable, TableIndex

_ROWS: Final = 1000
_SHARES: Final = 8
"""Parts in which a table is filled, some rows of each page at a time. Those of the first part move
to other pages, and are entered in every index again; the others find the room that these left, stay
in their page, and no index has to know."""
_PATIENCE: Final = 7 * 86_400.0
"""Seconds that one statement may take; building an index over much data takes its time."""
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '10s'"
"""Who waits for a table makes all others wait; better to give up and be repeated."""
_BY_KEY: Final = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true)"
)
"""Nothing is known of a new column: the planner takes few rows to lack it, and would read all of a
large table for each batch."""


def column_statements(table: KeyTable, path: Path) -> list[str]:
    """Return the statements by which a key column comes into being, for a person to read."""
    column = KeyColumns([path]).names[0]
    check = _constraint(column)
    return [
        f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {column} bytea",
        f"ALTER TABLE {table.name} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID",
        _fill_sql(table, column),
        f"ALTER TABLE {table.name} VALIDATE CONSTRAINT {check}",
        f"ALTER TABLE {table.name} ALTER COLUMN {column} SET NOT NULL",
        f"ALTER TABLE {table.name} DROP CONSTRAINT {check}",
    ]


async def add_column(
    connection: Connection, table: KeyTable, path: Path, backend: Backend[Any]
) -> None:
    """Add the key column of `path` and fill it.

    Args:
        connection: Outside a transaction.
        table: Where; its `columns` need not have the path.
        path: The field, one that `ready_columns` does not have.
        backend: Is told how far it is.
    """
    keys = KeyColumns([path])
    column = keys.names[0]
    add, guard, fill, validate, require, drop = column_statements(table, path)
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        await connection.execute(add)
        exists = block("catalogue.sql", "constraint_exists")
        if not await connection.fetchval(exists, table.name, _constraint(column)):
            await connection.execute(guard)

    async def left() -> int:
        async with connection.transaction():
            sql = f"SELECT count(*) FROM {table.name} WHERE {column} IS NULL"  # noqa: S608  our own names
            return await connection.fetchval(sql, timeout=_PATIENCE)

    what = f"field {path} of {table.name}"
    counting = await backend.counting(what, left, phase="filling", unit="rows")
    await _fill(connection, table, keys, fill, counting)
    await connection.execute(validate, timeout=_PATIENCE)
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        await connection.execute(require)
        await connection.execute(drop)


async def ready_columns(connection: Connection, table: KeyTable) -> set[str]:
    """Return the columns of `table` that hold something in every row."""
    rows = await connection.fetch(block("catalogue.sql", "ready_columns"), table.name)
    return {row["name"] for row in rows}


async def add_indexes(connection: Connection, names: Names, indexes: Sequence[TableIndex]) -> None:
    """Create those of `indexes` that are not there, without keeping writers out.

    Args:
        connection: Outside a transaction.
        names: The names in the schema.
        indexes: What should be there.
    """
    async with connection.transaction():
        usable = await index_states(connection, names, indexes)
    for index in indexes:
        if usable.get(index.name):
            continue
        if not index.parts:
            await _add_index(connection, names, index, left_behind=index.name in usable)
            continue
        make_whole, *_ = index.online(names.quoted)
        await connection.execute(make_whole, timeout=_PATIENCE)
        await add_indexes(connection, names, index.parts)
        for part in index.parts:  # one that was attached before stays so
            await connection.execute(index.attach(part, names.quoted), timeout=_PATIENCE)


async def _add_index(
    connection: Connection, names: Names, index: TableIndex, *, left_behind: bool
) -> None:
    if left_behind:  # by a CREATE INDEX CONCURRENTLY that was cut off
        drop = f"DROP INDEX CONCURRENTLY {names.qualify(index.name)}"
        await connection.execute(drop, timeout=_PATIENCE)
    for statement in index.online(names.quoted):
        await connection.execute(statement, timeout=_PATIENCE)


async def index_states(
    connection: Connection, names: Names, indexes: Sequence[TableIndex]
) -> dict[str, bool]:
    """Return, of those of `indexes` that exist, whether each can be used."""
    rows = await connection.fetch(
        block("catalogue.sql", "indexes"), names.schema, [index.name for index in indexes]
    )
    return {row["name"]: row["usable"] for row in rows}


async def _fill(
    connection: Connection, table: KeyTable, keys: KeyColumns, fill: str, counting: Counting
) -> None:
    column = keys.names[0]
    read = f"""
        SELECT workspace, {table.id} AS id, {table.data} AS data
          FROM {table.name}
         WHERE {column} IS NULL AND (workspace, {table.id}) > ($1::text, $2::text)
           AND ($3::integer IS NULL OR (ctid::text::point)[1]::integer % {_SHARES} = $3)
         ORDER BY workspace, {table.id}
         LIMIT {_ROWS}"""  # noqa: S608  our own names
    # The last round takes what `VACUUM FULL` moved out of its share meanwhile: mostly nothing.
    for share in (*range(_SHARES), None):
        last: tuple[str, str] | None = ("", "")
        while last is not None:
            async with connection.transaction():
                await connection.execute(_BY_KEY)
                rows = await connection.fetch(read, *last, share, timeout=_PATIENCE)
                workspaces = [row["workspace"] for row in rows]
                ids = [row["id"] for row in rows]
                values = keys.keys_for([row["data"] for row in rows])[0]
                await connection.execute(fill, workspaces, ids, values)
            counting.add(len(rows))
            last = (workspaces[-1], ids[-1]) if len(rows) == _ROWS else None


def _fill_sql(table: KeyTable, column: str) -> str:
    return (
        f"UPDATE {table.name} AS t SET {column} = r.key "  # noqa: S608  our own names
        "FROM unnest($1::text[], $2::text[], $3::bytea[]) AS r (workspace, id, key) "
        f"WHERE t.workspace = r.workspace AND t.{table.id} = r.id AND t.{column} IS NULL"
    )


def _constraint(column: str) -> str:
    return f"{column}_set"  # as plain as the column
