"""Letting the pool's user use what the user of `admin_dsn` made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore_postgres.kinds import KINDS
from polystore_postgres.sqlfile import quote_ident

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore_postgres.connection import Connection
    from polystore_postgres.names import Names

_LAYOUT: Final = ("ledger", "stores")


async def grant_layout(connection: Connection, names: Names, user: str) -> None:
    """Let `user` read the ledger and the catalogue.

    Args:
        connection: Of whom they belong to.
        names: The names in the schema.
        user: Whom the pool connects as; nothing happens if that is the same.
    """
    if await _same(connection, user):
        return
    to = quote_ident(user)
    await connection.execute(f"GRANT USAGE ON SCHEMA {names.quoted} TO {to}")
    tables = ", ".join(names.qualify(table) for table in _LAYOUT)
    await connection.execute(f"GRANT SELECT ON {tables} TO {to}")


async def grant_store(connection: Connection, names: Names, stored: StoredSpec, user: str) -> None:
    """Let `user` read and write the tables of one store; arguments as for `grant_layout`."""
    if await _same(connection, user):
        return
    tables = ", ".join(names.table(prefix, stored) for prefix in KINDS[stored.spec.kind].prefixes)
    await connection.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {quote_ident(user)}"
    )


async def _same(connection: Connection, user: str) -> bool:
    return await connection.fetchval("SELECT current_user") == user
