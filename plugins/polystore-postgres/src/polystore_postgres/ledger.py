"""Layout migrations: numbered .sql files, applied once each, in order, under a lock.

The ledger in the schema says what was applied. A file whose text is not what the ledger saw, or
a ledger that is ahead of this version of polystore, stops everything with an explanation: going
on would mean guessing what the tables look like.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING

from polystore.errors import PolystoreError, SchemaMismatch, UnsupportedError
from polystore_postgres.sqlfile import quote_ident, substitute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_postgres.connection import Connection

_FILE = re.compile(r"([0-9]{4})_(\w+)\.sql")
_LOCK = "SELECT pg_advisory_xact_lock($1)"
# Read from the tables: to_regclass may answer from before the lock, out of the server's cache.
_LEDGER_COLUMNS = """
SELECT ARRAY(SELECT attname::text FROM pg_attribute
              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = $1 AND c.relname = 'ledger'"""
_HAS_SCHEMA = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)"
# Extensions belong to the database, not to a schema: all schemas take this one lock.
_EXTENSION_LOCK = 0x706F6C79_73746F72


@dataclass(frozen=True)
class Migration:
    """One numbered file.

    Attributes:
        version: Its number.
        name: What it does, from the file's name.
        sql: Its text, with `__SCHEMA__` in the schema's place.
    """

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text; line ends do not count, as checkouts change them."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


@dataclass(frozen=True)
class Applied:
    """One row of the ledger."""

    version: int
    name: str
    checksum: str


@functools.cache
def migrations() -> tuple[Migration, ...]:
    """Return this version's migrations in order.

    Raises:
        PolystoreError: The files are not numbered 1, 2, 3 without a gap.
    """
    found: list[Migration] = []
    for entry in (files("polystore_postgres") / "migrations").iterdir():
        if match := _FILE.fullmatch(entry.name):
            text = entry.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], text))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise PolystoreError("the migrations in this installation are not complete")
    return tuple(found)


async def applied(connection: Connection, schema: str) -> list[Applied]:
    """Return the ledger of `schema`, oldest first; empty where there is none yet.

    The caller is in a transaction, or on a connection without a pooler.

    Raises:
        SchemaMismatch: Somebody else made it.
    """
    columns = await connection.fetchval(_LEDGER_COLUMNS, schema)
    if columns is None:
        return []
    if not {"version", "name", "checksum"} <= set(columns):
        raise SchemaMismatch(
            f"schema {schema!r} has a ledger that polystore did not make",
            hint="Choose another namespace for polystore, where nobody else's tables are",
        )
    relation = f"{quote_ident(schema)}.ledger"
    rows = await connection.fetch(
        f"SELECT version, name, checksum FROM {relation} ORDER BY version"  # noqa: S608  quoted
    )
    return [Applied(**dict(row)) for row in rows]


async def current_version(connection: Connection, schema: str) -> int:
    """Return the version of the layout in `schema`; 0 where there is none."""
    rows = await applied(connection, schema)
    return rows[-1].version if rows else 0


async def pending(
    connection: Connection, schema: str, known: Sequence[Migration] | None = None
) -> list[Migration]:
    """Return what `migrate` would apply, in order.

    Args:
        connection: In a transaction, or without a pooler.
        schema: The schema's name.
        known: The migrations there are; None: this version's.

    Raises:
        SchemaMismatch: The ledger is ahead of this version, or an applied file was changed.
    """
    steps = migrations() if known is None else known
    done = await applied(connection, schema)
    by_version = {step.version: step for step in steps}
    for row in done:
        _check(row, by_version.get(row.version), schema)
    if [row.version for row in done] != list(range(1, len(done) + 1)):
        raise SchemaMismatch(
            f"the ledger in schema {schema!r} has a gap",
            hint="Somebody edited it; restore the schema from a backup",
        )
    return [step for step in steps if step.version > len(done)]


async def migrate(
    connection: Connection, schema: str, known: Sequence[Migration] | None = None
) -> list[Migration]:
    """Bring the layout of `schema` up to date and return what was applied; often nothing.

    Any number of processes may do this at once: one works, the others wait and find it done.
    Each migration is a transaction of its own with its row in the ledger. Driver errors are
    the caller's to translate (`Pool.admin` does).

    Args:
        connection: Outside a transaction, with the right to create tables.
        schema: The schema's name; it is created where missing.
        known: The migrations there are; None: this version's.

    Raises:
        SchemaMismatch: The ledger is ahead of this version, or an applied file was changed.
    """
    steps: list[Migration] = []
    while True:
        async with connection.transaction():
            await connection.execute(_LOCK, _lock_key(schema))
            todo = await pending(connection, schema, known)
            if not todo:
                return steps
            await _create_schema(connection, schema)
            await _apply(connection, schema, todo[0])
        steps.append(todo[0])


async def ensure_vector(connection: Connection) -> None:
    """Install pgvector in this database where it is missing.

    Raises:
        UnsupportedError: The server does not have it; kv, doc and graph stores need none.
    """
    async with connection.transaction():
        await connection.execute(_LOCK, _EXTENSION_LOCK)
        query = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')"
        if await connection.fetchval(query):
            return
        query = "SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')"
        if not await connection.fetchval(query):
            raise UnsupportedError(
                "this server has no pgvector, which vector stores need",
                hint="Install it on the server, or use another backend for vector stores",
            )
        # Where search_path names no schema that exists, it has to be told one.
        where = "" if await connection.fetchval("SELECT current_schema()") else " SCHEMA public"
        await connection.execute(f"CREATE EXTENSION vector{where}")


def _check(row: Applied, step: Migration | None, schema: str) -> None:
    if step is None:
        raise SchemaMismatch(
            f"schema {schema!r} is at version {row.version} ({row.name}), which this version of "
            "polystore-postgres does not know",
            hint="Upgrade polystore-postgres on this machine to what the others use",
        )
    if step.checksum != row.checksum:
        raise SchemaMismatch(
            f"migration {row.version} ({row.name}) in schema {schema!r} was applied with another "
            "text than this version has",
            hint="Install an unmodified polystore-postgres, or use another namespace",
        )


async def _create_schema(connection: Connection, schema: str) -> None:
    # IF NOT EXISTS asks for the right to create schemas even where nothing is to be created.
    if not await connection.fetchval(_HAS_SCHEMA, schema):
        await connection.execute(f"CREATE SCHEMA {quote_ident(schema)}")


async def _apply(connection: Connection, schema: str, step: Migration) -> None:
    await connection.execute(substitute(step.sql, schema=schema))
    await connection.execute(
        f"INSERT INTO {quote_ident(schema)}.ledger (version, name, checksum, polystore_version) "  # noqa: S608  quoted
        "VALUES ($1, $2, $3, $4)",
        step.version,
        step.name,
        step.checksum,
        metadata.version("polystore-postgres"),
    )


def _lock_key(schema: str) -> int:
    digest = hashlib.sha256(b"polystore layout " + schema.encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
