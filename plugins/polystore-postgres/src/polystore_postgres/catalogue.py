"""The stores that exist, and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from polystore.errors import PolystoreError, SchemaMismatch
from polystore.specs import VectorSpec
from polystore.stored import read_stored
from polystore_postgres import online
from polystore_postgres.changes import AT_ONCE, LOCK_TIMEOUT, statements_at_once
from polystore_postgres.kinds import KINDS
from polystore_postgres.schema_vector import check_update, vector_spec
from polystore_postgres.sqlfile import block
from polystore_postgres.vector_rebuild import rebuild_statements

if TYPE_CHECKING:
    import asyncpg

    from polystore.backend import Backend
    from polystore.filters import Path
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore_postgres.connection import Connection
    from polystore_postgres.names import Names
    from polystore_postgres.tables import KeyTable, KindSchema

_RECORDS_ONLY: Final = frozenset({"update_spec", "rebuild_index", "switch_generation"})
"""Actions after which only the catalogue is left to be written."""


async def read_catalogue(connection: Connection, names: Names) -> dict[str, StoredSpec]:
    """Return the stores that exist, by name; {} before the layout is there.

    Raises:
        SchemaMismatch: It has a store that this version cannot read.
    """
    if not await connection.fetchval(block("catalogue.sql", "exists"), names.schema):
        return {}
    rows = await connection.fetch(block("catalogue.sql", "read", schema=names.schema))
    return {row["name"]: _stored(row, names) for row in rows}


def _stored(row: asyncpg.Record, names: Names) -> StoredSpec:
    try:
        return read_stored(row["spec"], row["generation"], row["origin"])
    except ValidationError as error:
        raise SchemaMismatch(
            f"what the catalogue in schema {names.schema!r} says of this store cannot be read",
            store=row["name"],
            hint="Upgrade polystore on this machine to what the others use; if somebody edited "
            "the catalogue, restore it from a backup",
        ) from error


async def write_catalogue(connection: Connection, names: Names, stored: StoredSpec) -> None:
    """Record `stored` as what is true."""
    spec = stored.spec
    await connection.execute(
        block("catalogue.sql", "write", schema=names.schema),
        spec.name,
        spec.kind,
        orjson.dumps(stored.document()),
        stored.generation,
        stored.origin,
    )


async def apply_change(
    connection: Connection,
    names: Names,
    stored: StoredSpec,
    change: SpecChange,
    *,
    guarded: bool,
    backend: Backend[Any],
) -> None:
    """Carry out one change and record what is true afterwards.

    What takes parameters is in a transaction, as a pooler may change servers between others.

    Args:
        connection: Outside a transaction.
        names: The names in the schema.
        stored: What is true once it is done.
        change: What to do.
        guarded: Whether new tables get row-level security.
        backend: Is told how far it is.
    """
    schema = KINDS[stored.spec.kind].load_schema()
    if change.action == "refused":
        raise PolystoreError(change.summary, store=stored.spec.name, hint=change.reason)
    if change.action in AT_ONCE:
        async with connection.transaction():
            await connection.execute(LOCK_TIMEOUT)
            for statement in statements_at_once(stored, change, names, guarded=guarded):
                await connection.execute(statement)
            await _record(connection, names, stored, change)
        return
    if change.action in _RECORDS_ONLY:
        if change.action != "switch_generation":
            await _check_update(connection, names, stored)
    else:
        async with connection.transaction():
            missing = await _missing_columns(connection, schema, stored, names)
        for table, path in missing:
            await online.add_column(connection, table, path, backend)
        await online.add_indexes(connection, names, schema.indexes(stored, names))
    async with connection.transaction():
        await write_catalogue(connection, names, stored)


async def _check_update(connection: Connection, names: Names, stored: StoredSpec) -> None:
    """Raise SchemaMismatch if the store's data does not go with its new settings."""
    async with connection.transaction():
        known = (await read_catalogue(connection, names)).get(stored.spec.name)
    if known is not None and isinstance(known.spec, VectorSpec):
        check_update(known.spec, vector_spec(stored))


async def _record(
    connection: Connection, names: Names, stored: StoredSpec, change: SpecChange
) -> None:
    """Record what a change that is made at once comes to."""
    gone = {"drop_store": stored.spec.name, "rename_store": "".join(change.subject)}
    if change.action in gone:
        await connection.execute(
            block("catalogue.sql", "remove", schema=names.schema), gone[change.action]
        )
    if change.action != "drop_store":
        await write_catalogue(connection, names, stored)


async def change_statements(
    connection: Connection,
    names: Names,
    stored: StoredSpec,
    change: SpecChange,
    *,
    guarded: bool,
) -> list[str]:
    """Return what `apply_change` would send."""
    schema = KINDS[stored.spec.kind].load_schema()
    if change.action in AT_ONCE:
        return statements_at_once(stored, change, names, guarded=guarded)
    if change.action in {"update_spec", "switch_generation"}:
        return []
    if change.action == "rebuild_index":
        return rebuild_statements(stored, names)
    statements: list[str] = []
    for table, path in await _missing_columns(connection, schema, stored, names):
        statements += online.column_statements(table, path)
    indexes = schema.indexes(stored, names)
    usable = await online.index_states(connection, names, indexes)
    missing = [index for index in indexes if not usable.get(index.name)]
    return statements + [text for index in missing for text in index.online(names.quoted)]


async def _missing_columns(
    connection: Connection, schema: KindSchema, stored: StoredSpec, names: Names
) -> list[tuple[KeyTable, Path]]:
    """Return the declared fields whose columns are not there yet, or not filled."""
    table = schema.key_table(stored, names)
    if table is None:
        return []
    ready = await online.ready_columns(connection, table)
    return [(table, path) for path, column in table.columns.items() if column not in ready]
