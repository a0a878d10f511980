"""The table of a key-value store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_postgres.options import store_options
from polystore_postgres.tables import SYSTEM_COLUMNS, KeyTable, TableIndex, make_index

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names


def create_tables(stored: StoredSpec, names: Names) -> list[str]:
    """Return the statement that creates the table."""
    return [
        f"""CREATE TABLE {names.table("kv", stored)} (
    workspace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value jsonb,
    bytes bytea,
{SYSTEM_COLUMNS},
    expires_at timestamptz,
    PRIMARY KEY (workspace, key),
    CHECK ((value IS NULL) <> (bytes IS NULL))
){store_options(stored.spec).storage()}"""
    ]


def key_table(stored: StoredSpec, names: Names) -> KeyTable | None:  # noqa: ARG001
    """Return None: a key-value store declares no fields."""
    return None


def partitions(stored: StoredSpec, names: Names) -> list[str]:  # noqa: ARG001
    """Return []: the tables are in one piece."""
    return []


def indexes(stored: StoredSpec, names: Names) -> list[TableIndex]:
    """Return the index by which the sweeper finds what has expired."""
    expiring = "USING btree (expires_at) WHERE expires_at IS NOT NULL"
    return [make_index(names, names.bare("kv", stored), expiring, "expires_at")]
