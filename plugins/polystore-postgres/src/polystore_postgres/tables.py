"""What the schema functions of each kind tell; creating and changing stores goes by it.

Each kind has a module `schema_<kind>` (kv, doc, vector, graph) with the functions of
`KindSchema`. They describe; `changes.py` executes: at once for a new store, online for one that
has data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from polystore_postgres.names import index_name, quote_identifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.filters import Path
    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names

SYSTEM_COLUMNS = """\
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL"""

VERSION = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
"""The version of a new row."""

NEXT_VERSION = f"greatest(t.version + 1, {VERSION})"
"""The version of a row `t` that is written again; it grows even if the clock goes back."""


@dataclass(frozen=True, slots=True)
class TableIndex:
    """An index that a store should have.

    Attributes:
        name: Its name, without the schema, not quoted.
        table: Its table, with the schema, quoted.
        definition: What follows `ON table`, e.g. `USING btree (workspace, id)`.
        parts: The index of each partition of the table; () for a table in one piece.
    """

    name: str
    table: str
    definition: str
    parts: tuple[TableIndex, ...] = ()

    def statement(self) -> str:
        """Return the statement that makes it, with its parts, while nobody writes."""
        return f"CREATE INDEX {quote_identifier(self.name)} ON {self.table} {self.definition}"

    def online(self, schema: str) -> list[str]:
        """Return the statements that make it while others write; none can be in a transaction.

        Args:
            schema: Where it is, quoted.
        """
        name = quote_identifier(self.name)
        if not self.parts:
            return [f"CREATE INDEX CONCURRENTLY {name} ON {self.table} {self.definition}"]
        statements = [f"CREATE INDEX IF NOT EXISTS {name} ON ONLY {self.table} {self.definition}"]
        for part in self.parts:
            statements += part.online(schema)
        return statements + [self.attach(part, schema) for part in self.parts]

    def attach(self, part: TableIndex, schema: str) -> str:
        """Return the statement that makes the index of a partition a part of this one."""
        own, other = quote_identifier(self.name), quote_identifier(part.name)
        return f"ALTER INDEX {schema}.{own} ATTACH PARTITION {schema}.{other}"


def make_index(
    names: Names,
    table: str,
    definition: str,
    what: str | None = None,
    partitions: Sequence[str] = (),
) -> TableIndex:
    """Return the index of the table with the bare name `table`.

    Args:
        names: The names in the schema.
        table: The table, neither qualified nor quoted.
        definition: What follows `ON table`.
        what: What tells it from the table's others, and is readable; the definition by default.
        partitions: The bare names of the table's partitions.
    """
    name = index_name(table, what or definition)
    parts = [make_index(names, partition, definition, what) for partition in partitions]
    return TableIndex(name, names.qualify(table), definition, tuple(parts))


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The table that holds a store's declared fields.

    Attributes:
        name: With the schema, quoted.
        id: The column that together with `workspace` is the primary key.
        data: The jsonb column that declared paths lead into.
        columns: The key column of each declared path that has one.
    """

    name: str
    id: str
    data: str
    columns: Mapping[Path, str]

    def definitions(self) -> str:
        """Return the key columns as CREATE TABLE takes them, each with a comma before it."""
        return "".join(f",\n    {column} bytea NOT NULL" for column in self.columns.values())


class KindSchema(Protocol):
    """The functions of a module `schema_<kind>`."""

    def create_tables(self, stored: StoredSpec, names: Names) -> list[str]:
        """Return the statements that create the store's tables, without indexes."""
        ...

    def key_table(self, stored: StoredSpec, names: Names) -> KeyTable | None:
        """Return where the store's declared fields are; None for a kind without any."""
        ...

    def partitions(self, stored: StoredSpec, names: Names) -> list[str]:
        """Return the bare names of the partitions of its tables; [] where there are none."""
        ...

    def indexes(self, stored: StoredSpec, names: Names) -> list[TableIndex]:
        """Return every index that the store should have besides its primary keys."""
        ...


def create_statements(schema: KindSchema, stored: StoredSpec, names: Names) -> list[str]:
    """Return all that creates a new store."""
    indexes = [index.statement() for index in schema.indexes(stored, names)]
    return schema.create_tables(stored, names) + indexes
