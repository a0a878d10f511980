"""Row-level security: who sees whose rows, and that nothing of it stays on a connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import asyncpg
import pytest
from pydantic import ValidationError
from servers.pgbouncer import pgbouncer
from servers.postgres import postgres_server as run_postgres

import polystore
from polystore.errors import ConfigError, SchemaMismatch
from polystore.filters import F
from polystore_postgres.config import PostgresConfig

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.postgres import PostgresServer

    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.pool import Pool

STORES: dict[str, Any] = {
    "cache": {"kind": "kv"},
    "papers": {"kind": "doc", "indexes": ["n"]},
    "points": {"kind": "vector", "dimensions": 3, "fields": {"n": "integer"}},
    "links": {"kind": "graph", "indexes": ["n"]},
}
TABLES = ("kv_cache", "doc_papers", "vec_points", "node_links", "edge_links")


@pytest.fixture
def owner_dsn(postgres_server: PostgresServer) -> Generator[str]:
    with postgres_server.owned_database() as dsn:
        yield dsn


def configured(dsn: str, **settings: Any) -> dict[str, Any]:
    block = {"use": "postgres", "dsn": dsn, "row_level_security": True, "schema": "auto"}
    return {"backends": {"main": block | settings}, "stores": STORES}


def pool_of(ps: polystore.Polystore) -> Pool:
    return cast("PostgresBackend", ps.runtime.backends["main"].backend).pool


async def fill(ps: polystore.Polystore, *workspaces: str) -> None:
    for number, name in enumerate(workspaces):
        space = ps.workspace(name)
        await space.kv("cache").put("a", name, ttl=3600)
        await space.doc("papers").put("a", {"n": number})
        await space.vector("points").upsert(
            [polystore.VectorRecord("a", [1.0, 0.0, 0.0], f"text of {number}", {"n": number})]
        )
        await space.graph("links").upsert_edges([polystore.Edge("a", "knows", "b")])


async def test_a_query_by_hand_sees_one_workspace_or_nothing(
    postgres_server: PostgresServer, owner_dsn: str
) -> None:
    async with polystore.open(configured(owner_dsn)) as ps:
        await fill(ps, "acme", "globex", "it's \\ *")
        database = urlsplit(owner_dsn).path.lstrip("/")
        tables = ", ".join(f"polystore.{table}" for table in TABLES)
        postgres_server.execute(
            "CREATE ROLE tenant_of_test LOGIN PASSWORD 'secret-of-tenant'",
            f"GRANT CONNECT ON DATABASE {database} TO tenant_of_test",
            "GRANT USAGE ON SCHEMA polystore TO tenant_of_test",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO tenant_of_test",
            "ALTER ROLE tenant_of_test SET polystore.workspace = 'acme'",
            dsn=postgres_server.database(database),
        )
        try:
            login = f"tenant_of_test:secret-of-tenant@127.0.0.1:{postgres_server.port}"
            tenant = await asyncpg.connect(f"postgresql://{login}/{database}")
            try:
                await attack(tenant)
            finally:
                await tenant.close()
        finally:
            postgres_server.execute(
                "DROP OWNED BY tenant_of_test",
                "DROP ROLE tenant_of_test",
                dsn=postgres_server.database(database),
            )
        for name in ("acme", "globex", "it's \\ *"):
            assert await ps.workspace(name).kv("cache").get("a") == name
        assert await ps.workspaces() == ["acme", "globex", "it's \\ *"]
        # The owner of the tables, who did not say whose rows are meant.
        async with pool_of(ps).acquire(raw=True) as connection:
            for table in TABLES:
                with pytest.raises(asyncpg.UndefinedObjectError, match=r"polystore\.workspace"):
                    await connection.fetch(f"SELECT * FROM polystore.{table}")


async def attack(tenant: asyncpg.Connection[asyncpg.Record]) -> None:
    """Try to read and to change what is not acme's."""
    for table in TABLES:
        rows = await tenant.fetch(f"SELECT DISTINCT workspace FROM polystore.{table}")
        assert [row[0] for row in rows] == ["acme"]
        where = f"polystore.{table} WHERE workspace <> 'acme'"
        assert await tenant.fetchval(f"SELECT count(*) FROM {where}") == 0
        assert await tenant.execute(f"DELETE FROM {where}") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await tenant.execute(f"UPDATE polystore.{table} SET workspace = 'globex'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tenant.execute(f"ALTER TABLE polystore.{table} DISABLE ROW LEVEL SECURITY")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tenant.execute(f"TRUNCATE polystore.{table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await tenant.execute(
            "INSERT INTO polystore.kv_cache (workspace, key, value, version, created_at, "
            "updated_at) VALUES ('globex', 'b', '1', 1, now(), now())"
        )


@pytest.mark.parametrize("connections", [1, 3])
async def test_nothing_stays_on_a_connection(owner_dsn: str, connections: int) -> None:
    """Many tenants at once on few connections, some of them cancelled in the middle."""
    async with polystore.open(configured(owner_dsn, pool={"max": connections})) as ps:
        names = [f"tenant {number}" for number in range(12)]
        await fill(ps, *names)

        async def one(number: int, name: str) -> None:
            space = ps.workspace(name)
            for _ in range(10):
                assert await space.kv("cache").get("a") == name
                [hit] = await space.vector("points").search([1.0, 0.0, 0.0], k=5)
                assert hit.metadata == {"n": number}
                [found] = await space.vector("points").search_text("text", k=5)
                assert found.text == f"text of {number}"
                assert await space.doc("papers").count(F("n") == number) == 1
                assert await space.graph("links").neighbors("a") == ["b"]
                async with space.unit_of_work("papers", "points") as unit:
                    assert await unit.doc("papers").get("a") == {"n": number}
                    await unit.vector("points").update_metadata({"a": {"n": number}})
                    assert await unit.vector("points").count() == 1

        tasks = [asyncio.create_task(one(number, name)) for number, name in enumerate(names)]
        disturbed = [asyncio.create_task(one(number, name)) for number, name in enumerate(names)]
        for task in disturbed:
            await asyncio.sleep(0.02)
            task.cancel()
        await asyncio.gather(*tasks)
        await asyncio.gather(*disturbed, return_exceptions=True)
        async with pool_of(ps).acquire() as connection:
            assert await connection.fetchval("SELECT current_setting('polystore.workspace')") == ""


async def test_behind_a_pooler_in_transaction_mode() -> None:
    """Two server connections for many tenants: what is set for one ends with its transaction."""
    login = ("app", "secret-of-app")
    with (
        run_postgres() as server,
        pgbouncer(server, server_connections=2, login=login) as pooled,
    ):
        server.execute(f"CREATE ROLE {login[0]} LOGIN PASSWORD '{login[1]}'")
        config = configured(pooled, pgbouncer=True, admin_dsn=server.dsn, pool={"max": 8})
        async with polystore.open(config) as ps:
            names = [f"tenant {number}" for number in range(8)]
            await fill(ps, *names)

            async def one(name: str) -> None:
                for _ in range(10):
                    space = ps.workspace(name)
                    assert await space.kv("cache").get("a") == name
                    assert await space.doc("papers").count() == 1
                    assert len(await space.vector("points").search([1.0, 0.0, 0.0], k=5)) == 1

            await asyncio.gather(*map(one, names))
            assert await ps.workspaces() == names
        direct = await asyncpg.connect(pooled, statement_cache_size=0)
        try:
            with pytest.raises(asyncpg.UndefinedObjectError, match=r"polystore\.workspace"):
                await direct.fetch("SELECT * FROM polystore.kv_cache")
        finally:
            await direct.close()


async def test_it_is_turned_on_by_apply_and_never_left_out_in_silence(owner_dsn: str) -> None:
    without = configured(owner_dsn, row_level_security=False)
    async with polystore.open(without) as before:
        await fill(before, "acme", "globex")
        secured = configured(owner_dsn, schema="check")
        async with polystore.open(secured) as ps:
            with pytest.raises(SchemaMismatch, match="row_level_security is on, but not on"):
                await ps.workspace("acme").kv("cache").get("a")
            changes = await ps.plan()
            assert [change.action for change in changes] == ["guard_rows"] * len(STORES)
            assert all("FORCE ROW LEVEL SECURITY" in c.statements[-1] for c in changes)
            told = [finding for finding in await ps.doctor() if "row_level" in finding.check]
            assert [finding.severity for finding in told] == ["error"] * len(STORES)
            assert len(await ps.apply()) == len(STORES)
            assert not [f for f in await ps.doctor() if f.check == "row_level_security"]
            assert await ps.plan() == []
            for name in ("acme", "globex"):
                assert await ps.workspace(name).kv("cache").get("a") == name
        # A program from before, still running, is told, and does not take all for gone.
        for read in (
            before.workspace("acme").kv("cache").get("a"),
            before.workspace("acme").doc("papers").count(),
            before.workspace("acme").vector("points").get("a"),
            before.workspace("acme").graph("links").get_node("a"),
        ):
            with pytest.raises(SchemaMismatch, match=r"polystore\.workspace") as caught:
                await read
            assert "row_level_security: true" in str(caught.value)
    async with polystore.open(without) as later:
        with pytest.raises(SchemaMismatch, match="does not use"):
            await later.workspace("acme").kv("cache").get("a")


async def test_users_for_whom_policies_do_not_hold_are_refused(
    postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    with pytest.raises(ConfigError, match="is a superuser"):
        await polystore.open(configured(postgres_dsn)).start()
    with postgres_server.owned_database() as dsn:
        role = urlsplit(dsn).username
        postgres_server.execute(f"ALTER ROLE {role} BYPASSRLS")
        with pytest.raises(ConfigError, match="has BYPASSRLS"):
            await polystore.open(configured(dsn)).start()


async def test_fields_and_indexes_are_added_to_what_is_there(owner_dsn: str) -> None:
    async with polystore.open(configured(owner_dsn)) as ps:
        await fill(ps, "acme", "globex")
    config = configured(owner_dsn)
    config["stores"] = STORES | {"papers": {"kind": "doc", "indexes": ["n", "m"]}}
    async with polystore.open(config) as ps:
        papers = ps.workspace("globex").doc("papers")
        await papers.put("b", {"m": 1})
        assert [document.id for document in (await papers.find(F("m") == 1)).items] == ["b"]
        assert [document.id for document in (await papers.find(sort="m")).items] == ["a", "b"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"embedded": True}, "makes no sense with embedded"),
        ({"dsn": "postgresql://localhost/app", "pgbouncer": True}, "needs an admin_dsn"),
    ],
)
def test_settings_that_do_not_go_with_it(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PostgresConfig.model_validate(settings | {"row_level_security": True})
