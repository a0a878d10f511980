"""Servers, databases and settings that do not suit us: a clear error and nothing lost."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import polystore
from polystore.capabilities import KINDS
from polystore.errors import (
    ConfigError,
    ConnectionFailed,
    OperationTimeout,
    PolystoreError,
    SchemaMismatch,
    UnsupportedError,
)
from polystore.types.records import Edge, VectorRecord
from polystore_postgres.exclusion import exclusively

from .stores import opened_backend

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.postgres import PostgresServer

    from polystore.client import Polystore

STORES: dict[str, Any] = {
    "cache": {"kind": "kv"},
    "documents": {"kind": "doc", "indexes": ["status"]},
    "knowledge": {"kind": "graph"},
    "chunks": {"kind": "vector", "dimensions": 2, "fields": {"year": "integer"}},
}


def configured(dsn: str, **settings: Any) -> dict[str, Any]:
    main = {"use": "postgres", "dsn": dsn, "connect": {"retries": 0}, "schema": "auto", **settings}
    return {"backends": {"main": main}, "defaults": dict.fromkeys(KINDS, "main"), "stores": STORES}


async def use(ps: Polystore) -> None:
    await ps.kv("cache").put_many({"k": "日本\\n'", "b": b"\x00\xff"}, ttl=3600)
    assert await ps.kv("cache").get_many(["k", "b"]) == ["日本\\n'", b"\x00\xff"]
    await ps.doc("documents").put("d", {"status": "new\\"})
    page = await ps.doc("documents").find({"status": "new\\"}, sort=["-status"])
    assert [document.id for document in page.items] == ["d"]
    await ps.graph("knowledge").upsert_edges([Edge("a", "t", "b")])
    assert len(await ps.graph("knowledge").get_nodes(["a", "b"])) == 2
    await ps.vector("chunks").upsert([VectorRecord("1", [0.0, 1.0], "text", {"year": 1})])
    hits = await ps.vector("chunks").search([0.0, 1.0], k=1, filter={"year": 1})
    assert [hit.id for hit in hits] == ["1"]


async def failure(config: dict[str, Any]) -> PolystoreError:
    """Open and use; return the error, which tells no password."""
    with pytest.raises(PolystoreError) as caught:
        async with polystore.open(config) as ps:
            await use(ps)
    dsn: str = config["backends"]["main"]["dsn"]
    password = urlsplit(dsn).password
    assert password
    assert password not in str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)
    return caught.value


def name_of(dsn: str) -> str:
    return urlsplit(dsn).path[1:]


@contextmanager
def weak_role(server: PostgresServer, dsn: str) -> Generator[str]:
    """A role that may only connect; yields its address for the database of `dsn`."""
    role, password = f"weak_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    server.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    try:
        parts = urlsplit(dsn)
        yield f"postgresql://{role}:{password}@{parts.hostname}:{parts.port}{parts.path}"
    finally:
        server.execute(f"DROP OWNED BY {role}", f"DROP ROLE {role}", dsn=dsn)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_cannot_hold_every_text(
    postgres_server: PostgresServer, encoding: str
) -> None:
    name = f"test_{secrets.token_hex(6)}"
    postgres_server.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
    )
    try:
        error = await failure(configured(postgres_server.database(name)))
        assert isinstance(error, UnsupportedError)
        assert encoding in str(error)
    finally:
        postgres_server.execute(f"DROP DATABASE {name}")


async def test_another_client_encoding_is_not_taken(postgres_dsn: str) -> None:
    latin = f"{postgres_dsn}?options=-c%20client_encoding%3DLATIN1&client_encoding=LATIN1"
    async with polystore.open(configured(latin)) as ps:
        await use(ps)


async def test_a_server_that_is_too_old(postgres_server: PostgresServer, postgres_dsn: str) -> None:
    """It says that it is 13: a function of that name comes before the server's own."""
    postgres_server.execute(
        "CREATE SCHEMA old",
        """CREATE FUNCTION old.current_setting(name text) RETURNS text LANGUAGE sql AS $$
           SELECT CASE name WHEN 'server_version' THEN '13.22' WHEN 'server_version_num'
                  THEN '130022' ELSE pg_catalog.current_setting(name) END $$""",
        f"ALTER DATABASE {name_of(postgres_dsn)} SET search_path = old, pg_catalog, public",
        dsn=postgres_dsn,
    )
    error = await failure(configured(postgres_dsn))
    assert isinstance(error, UnsupportedError)
    assert "PostgreSQL 13.22" in str(error)
    assert "too old" in str(error)
    assert "14 or later" in str(error)


HOSTILE = {
    "timezone": "Pacific/Chatham",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "search_path": "nowhere",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "client_encoding": "LATIN1",
}


async def test_odd_defaults_of_a_database_change_nothing(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    database = name_of(postgres_dsn)
    postgres_server.execute(
        *(f"ALTER DATABASE {database} SET {name} = '{value}'" for name, value in HOSTILE.items())
    )
    for _ in range(2):
        async with polystore.open(configured(postgres_dsn)) as ps:
            await use(ps)
            async with ps.unit_of_work("cache", "documents") as unit:
                await unit.doc("documents").put("\\", {"status": "\\"})
                assert await unit.doc("documents").count({"status": "\\"}) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"no_such_thing": "1"}, "no_such_thing"),
        ({"datestyle": "nonsense"}, "nonsense"),
        ({"fsync": "off"}, "fsync"),
        ({"role": "nobody_here"}, "nobody_here"),
        ({"client_encoding": "LATIN1"}, "client_encoding"),
        ({"standard_conforming_strings": "off"}, "standard_conforming_strings"),
        ({"user": "postgres"}, "user"),
        ({"replication": "database"}, "replication"),
        ({"x; y": "1"}, "parameter's name"),
        ({"work_mem": "1\0"}, "parameter's name"),
    ],
)
async def test_senseless_server_settings(
    postgres_dsn: str, settings: dict[str, str], words: str
) -> None:
    error = await failure(configured(postgres_dsn, server_settings=settings))
    assert isinstance(error, ConfigError)
    assert words in str(error)
    assert "server_settings" in str(error)


async def test_without_rights_the_missing_one_is_named(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    with weak_role(postgres_server, postgres_dsn) as weak:
        role = urlsplit(weak).username
        assert "GRANT CREATE ON DATABASE" in str(await failure(configured(weak)))
        async with polystore.open(configured(postgres_dsn)) as ps:
            await use(ps)
        assert "GRANT USAGE ON SCHEMA" in str(await failure(configured(weak)))
        postgres_server.execute(
            f"GRANT USAGE ON SCHEMA polystore TO {role}",
            f"GRANT SELECT ON polystore.ledger, polystore.stores TO {role}",
            dsn=postgres_dsn,
        )
        assert "GRANT SELECT, INSERT" in str(await failure(configured(weak)))
        postgres_server.execute("DROP SCHEMA polystore CASCADE", dsn=postgres_dsn)
        postgres_server.execute("DROP EXTENSION vector", dsn=postgres_dsn)
        postgres_server.execute(f"CREATE SCHEMA polystore AUTHORIZATION {role}", dsn=postgres_dsn)
        assert "run CREATE EXTENSION" in str(await failure(configured(weak)))


async def test_what_an_administrator_makes_the_user_may_use(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    with weak_role(postgres_server, postgres_dsn) as weak:
        async with polystore.open(configured(weak, admin_dsn=postgres_dsn)) as ps:
            await use(ps)
        async with polystore.open(configured(weak, schema="check")) as ps:
            await use(ps)
            await ps.kv("cache").clear()
        async with opened_backend(weak, admin_dsn=postgres_dsn) as backend:
            assert await backend.pool.fetchval(
                "SELECT has_table_privilege('polystore.ledger', 'SELECT') AND NOT "
                "has_table_privilege('polystore.stores', 'UPDATE')"
            )


async def test_a_database_that_is_read_only(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        await use(ps)
    setting = f"ALTER DATABASE {name_of(postgres_dsn)} SET default_transaction_read_only"
    postgres_server.execute(f"{setting} = on")
    async with polystore.open(configured(postgres_dsn)) as ps:
        assert await ps.kv("cache").get("b") == b"\x00\xff"
        with pytest.raises(ConnectionFailed, match="read-only"):
            await ps.kv("cache").put("k", 2)
        with pytest.raises(ConnectionFailed, match="read-only"):
            async with ps.unit_of_work("cache") as unit:
                await unit.kv("cache").put("k", 2)
        assert await ps.kv("cache").get("k") == "日本\\n'"
        backend = ps.runtime.backends["main"].backend
        findings = await backend.findings([])
        assert [f.check for f in findings if f.severity == "error"] == ["read_only"]


async def test_time_limits_of_the_server(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    database = name_of(postgres_dsn)
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        postgres_server.execute(f"ALTER DATABASE {database} SET {name} = 200")
    async with opened_backend(postgres_dsn) as backend:
        with pytest.raises(OperationTimeout, match="server's statement_timeout"):
            await backend.pool.fetchval("SELECT pg_sleep(10)")
        async with exclusively(backend.pool, "work"), backend.pool.admin() as connection:
            await connection.execute("SELECT pg_sleep(0.5)")
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            assert await connection.fetchval(locks) == 1
        assert await backend.pool.fetchval("SHOW statement_timeout") == "200ms"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("CREATE TABLE polystore.ledger (amount int)", "has a ledger that polystore did not make"),
        ("CREATE SEQUENCE polystore.ledger", "has a ledger that polystore did not make"),
        ("CREATE TABLE polystore.stores (id int)", 'column "spec" does not exist|"stores" already'),
        ("CREATE VIEW polystore.kv_cache AS SELECT 1 AS x", '"kv_cache" already exists'),
        ("CREATE TABLE polystore.node_knowledge (x int)", '"node_knowledge" already exists'),
    ],
)
async def test_names_that_somebody_else_took(
    postgres_server: PostgresServer, postgres_dsn: str, made: str, words: str
) -> None:
    postgres_server.execute("CREATE SCHEMA polystore", made, dsn=postgres_dsn)
    with pytest.raises(SchemaMismatch, match=words) as caught:
        async with polystore.open(configured(postgres_dsn)):
            pass
    assert not caught.value.retryable
    assert "namespace" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE polystore.kv_cache DROP COLUMN expires_at",
        "ALTER TABLE polystore.doc_documents DROP COLUMN data CASCADE",
        "ALTER TABLE polystore.edge_knowledge DROP COLUMN version",
        "ALTER TABLE polystore.vec_chunks DROP COLUMN embedding CASCADE",
        "DROP TABLE polystore.kv_cache",
        """UPDATE polystore.stores SET spec = '{"from": "the future"}' WHERE name = 'cache'""",
    ],
)
async def test_tables_changed_by_hand(
    postgres_server: PostgresServer, postgres_dsn: str, change: str
) -> None:
    config = configured(postgres_dsn)
    async with polystore.open(config) as ps:
        await use(ps)
    postgres_server.execute(change, dsn=postgres_dsn)
    error = await failure(config)
    assert isinstance(error, SchemaMismatch)
    assert "backup" in str(error)


async def test_doctor_tells_which_tables_and_columns_are_gone(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        await use(ps)
        backend = ps.runtime.backends["main"].backend
        stored = list((await backend.catalogue()).values())
        assert not [f for f in await backend.findings(stored) if f.severity == "error"]
        postgres_server.execute(
            "DROP TABLE polystore.kv_cache, polystore.edge_knowledge",
            "ALTER TABLE polystore.doc_documents DROP COLUMN k_status_ab7e2ce2",
            dsn=postgres_dsn,
        )
        errors = [f for f in await backend.findings(stored) if f.severity == "error"]
    assert {(f.store, f.message) for f in errors} == {
        ("cache", "table kv_cache is missing"),
        ("knowledge", "table edge_knowledge is missing"),
        ("documents", "column k_status_ab7e2ce2 is missing"),
    }
