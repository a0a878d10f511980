"""Layout migrations: once each, in order, under a lock, and never on guesses."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from polystore.errors import PolystoreError, SchemaMismatch, UnsupportedError
from polystore_postgres.ledger import (
    Migration,
    applied,
    current_version,
    ensure_vector,
    migrate,
    migrations,
    pending,
)
from polystore_postgres.sqlfile import quote_ident, substitute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_postgres.pool import Pool

LATEST = len(migrations())
WEIRD = "we\"ird; DROP schema x --'$1 文"

# Everything that a migration may have made, by name; no OIDs, which differ between databases.
CATALOG = """
SELECT kind, item FROM (
    SELECT 'column' AS kind, format('%s.%s %s %s default=%s collation=%s position=%s',
        c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), co.collname, a.attnum) AS item, c.relnamespace AS space
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      LEFT JOIN pg_collation co ON co.oid = a.attcollation
     WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT 'relation', format('%s %s %s %s', relname, relkind, relpersistence,
        reloptions), relnamespace FROM pg_class
    UNION ALL SELECT 'constraint', format('%s %s', conname, pg_get_constraintdef(oid)),
        connamespace FROM pg_constraint
    UNION ALL SELECT 'index', pg_get_indexdef(indexrelid), c.relnamespace
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    UNION ALL SELECT 'function', pg_get_functiondef(oid), pronamespace FROM pg_proc
     WHERE prokind = 'f'
    UNION ALL SELECT 'type', typname || typtype::text, typnamespace FROM pg_type
) found WHERE space = $1::regnamespace ORDER BY 1, 2
"""


async def dump(pool: Pool, schema: str) -> list[tuple[str, str]]:
    rows = await pool.fetch(CATALOG, quote_ident(schema))
    place = quote_ident(schema)
    plain = schema + "."
    return [(r["kind"], r["item"].replace(place + ".", "").replace(plain, "")) for r in rows]


@pytest.mark.parametrize("schema", ["polystore", "Mixed Case", WEIRD])
async def test_from_nothing_and_again(pool: Pool, schema: str) -> None:
    async with pool.admin() as connection:
        assert await current_version(connection, schema) == 0
        assert [step.version for step in await pending(connection, schema)] == [
            step.version for step in migrations()
        ]
        done = await migrate(connection, schema)
        assert [step.version for step in done] == list(range(1, LATEST + 1))
        assert await migrate(connection, schema) == []
        assert await current_version(connection, schema) == LATEST
        rows = await applied(connection, schema)
        assert [row.checksum for row in rows] == [step.checksum for step in migrations()]


async def test_an_existing_schema_is_used(pool: Pool) -> None:
    await pool.execute("CREATE SCHEMA given")
    async with pool.admin() as connection:
        assert len(await migrate(connection, "given")) == LATEST


async def test_fresh_equals_migrated(pool: Pool) -> None:
    async with pool.admin() as connection:
        await migrate(connection, "fresh")
        for version in range(1, LATEST + 1):
            done = await migrate(connection, "stepwise", migrations()[:version])
            assert [step.version for step in done] == [version]
    fresh = await dump(pool, "fresh")
    assert len(fresh) > 20
    assert await dump(pool, "stepwise") == fresh


async def test_twenty_at_once(postgres_dsn: str) -> None:
    async def one() -> int:
        connection: Any = await asyncpg.connect(postgres_dsn)
        try:
            await ensure_vector(connection)
            return len(await migrate(connection, "polystore"))
        finally:
            await connection.close()

    assert sorted(await asyncio.gather(*(one() for _ in range(20))))[-1] > 0
    connection: Any = await asyncpg.connect(postgres_dsn)
    rows = await applied(connection, "polystore")
    await connection.close()
    assert [row.version for row in rows] == list(range(1, LATEST + 1))


async def test_each_is_applied_by_exactly_one_of_many(postgres_dsn: str) -> None:
    async def one() -> list[int]:
        connection: Any = await asyncpg.connect(postgres_dsn)
        try:
            return [step.version for step in await migrate(connection, "polystore")]
        finally:
            await connection.close()

    versions = [v for done in await asyncio.gather(*(one() for _ in range(20))) for v in done]
    assert sorted(versions) == list(range(1, LATEST + 1))


async def test_an_edited_file_stops_everything(pool: Pool) -> None:
    edited = [replace(migrations()[0], sql=migrations()[0].sql + "\n"), *migrations()[1:]]
    async with pool.admin() as connection:
        await migrate(connection, "polystore", migrations()[:1])
        with pytest.raises(SchemaMismatch, match="another text"):
            await migrate(connection, "polystore", edited)
        assert await current_version(connection, "polystore") == 1


async def test_line_ends_are_no_edit() -> None:
    step = migrations()[0]
    assert replace(step, sql=step.sql.replace("\n", "\r\n")).checksum == step.checksum


async def test_a_newer_layout_stops_everything(pool: Pool) -> None:
    newer = Migration(LATEST + 1, "of_the_future", "CREATE TABLE __SCHEMA__.later (x int);")
    async with pool.admin() as connection:
        await migrate(connection, "polystore", [*migrations(), newer])
        with pytest.raises(SchemaMismatch, match=r"of_the_future.*does not know"):
            await migrate(connection, "polystore")


async def test_a_failing_migration_leaves_nothing(pool: Pool) -> None:
    broken = Migration(LATEST + 1, "broken", "CREATE TABLE __SCHEMA__.half (x int); SELECT 1/0;")
    with pytest.raises(PolystoreError, match="division by zero"):
        await migrate_by(pool, None, [*migrations(), broken])
    async with pool.admin() as connection:
        assert await current_version(connection, "polystore") == LATEST
    assert await pool.fetchval("SELECT to_regclass('polystore.half')") is None


async def test_a_gap_in_the_ledger(pool: Pool) -> None:
    async with pool.admin() as connection:
        await migrate(connection, "polystore")
        await connection.execute("DELETE FROM polystore.ledger WHERE version = 1")
        with pytest.raises(SchemaMismatch, match="gap"):
            await pending(connection, "polystore")


async def migrate_by(
    pool: Pool, role: str | None, known: Sequence[Migration] | None = None
) -> None:
    async with pool.admin() as connection:
        if role is not None:
            await connection.execute(f"SET ROLE {role}")
        await migrate(connection, "polystore", known)


async def test_without_the_right_to_create(pool: Pool) -> None:
    await pool.execute("CREATE ROLE ledger_reader")
    try:
        with pytest.raises(PolystoreError, match=r"permission denied.*GRANT"):
            await migrate_by(pool, "ledger_reader")
        # The role was set for that borrower only.
        assert await pool.fetchval("SELECT current_user") != "ledger_reader"
    finally:
        await pool.execute("DROP ROLE ledger_reader")


async def test_vector_is_installed_once(pool: Pool) -> None:
    assert not pool.facts.has_vector
    async with pool.admin() as connection:
        await ensure_vector(connection)
        await ensure_vector(connection)
    assert (await pool.refresh()).has_vector
    assert list(await pool.fetchval("SELECT '[1,2]'::vector")) == [1, 2]


async def test_a_server_without_vector(debian_pool: Pool) -> None:
    async with debian_pool.admin() as connection:
        assert len(await migrate(connection, "polystore")) == LATEST
        with pytest.raises(UnsupportedError, match="no pgvector"):
            await ensure_vector(connection)


def test_substitution_quotes_and_is_complete() -> None:
    assert substitute("__SCHEMA__.t", schema='a"b') == '"a""b".t'
    assert substitute("SELECT '__x__', a__B", schema="s") == "SELECT '__x__', a__B"
    assert substitute("__A__ __B_C__", a="__B_C__", b_c="y") == '"__B_C__" "y"'
    with pytest.raises(PolystoreError, match="nothing is given"):
        substitute("__OTHER__", schema="s")
    with pytest.raises(PolystoreError, match="identifier"):
        quote_ident("a\0b")
