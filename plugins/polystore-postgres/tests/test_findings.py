"""What doctor says of servers that are not at hand: their facts are changed, not their words."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from polystore.errors import PolystoreError
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, KVSpec, VectorSpec
from polystore.stores.queries import SearchQuery
from polystore.types.batches import KVBatch
from polystore.types.call import Call
from polystore_postgres import findings_tables
from polystore_postgres.schema_doc import doc_spec

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from servers.postgres import PostgresServer

    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.kv import PostgresKV


@pytest.fixture
async def backend(postgres_dsn: str) -> AsyncGenerator[PostgresBackend]:
    async with opened_backend(postgres_dsn) as opened:
        yield opened


@pytest.mark.parametrize(
    ("facts", "check", "severity", "words"),
    [
        ({"version": "18.4", "version_number": 180004}, "version", "ok", "PostgreSQL 18.4"),
        ({"version": "21.0", "version_number": 210000}, "version", "info", "newer than"),
        ({"vector_version": "0.8.0"}, "pgvector", "ok", "0.8.0"),
        ({"vector_version": "0.10.1"}, "pgvector", "ok", "0.10.1"),
        ({"vector_version": "0.7.4"}, "pgvector", "warning", "filtered searches"),
        ({"vector_version": None, "vector_available": "0.8.5"}, "pgvector", "info", "installs it"),
        ({"vector_version": None, "vector_available": None}, "pgvector", "info", "no pgvector"),
        ({"read_only": True}, "read_only", "error", "standby"),
    ],
)
async def test_facts_of_the_server(
    backend: PostgresBackend, facts: dict[str, Any], check: str, severity: str, words: str
) -> None:
    backend.pool.facts = replace(backend.pool.facts, **facts)
    [finding] = [f for f in await backend.findings([]) if f.check == check]
    assert finding.severity == severity
    assert words in finding.message
    assert (finding.action is not None) == (severity == "warning" or "no pgvector" in words) or (
        check == "read_only"
    )


async def test_a_session_of_another_backend_is_refused(backend: PostgresBackend) -> None:
    driver = await create_store(backend, KVSpec(name="cache"))
    with pytest.raises(PolystoreError, match="another backend"):
        await driver.count(Call("main", session=object()))


async def test_a_document_store_explains_finds_only(backend: PostgresBackend) -> None:
    driver = await create_store(backend, DocSpec(name="documents"))
    query = SearchQuery(np.zeros((1, 3), dtype=np.float32), 1)
    assert (await driver.explain(Call("main"), query)).how == "emulated"


def test_a_spec_of_another_kind_is_refused() -> None:
    with pytest.raises(PolystoreError, match="no document store"):
        doc_spec(StoredSpec(KVSpec(name="cache")))


async def test_dead_rows_and_sizes_are_told(
    backend: PostgresBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings_tables, "_DEAD", 10)
    monkeypatch.setattr(findings_tables, "_LARGE", 1)
    monkeypatch.setattr(findings_tables, "_LONG", 0.0)
    points = VectorSpec(name="points", dimensions=3, fields={"n": "integer"})
    await create_store(backend, points)
    driver = cast("PostgresKV", await create_store(backend, KVSpec(name="cache")))
    await backend.pool.execute("ALTER TABLE polystore.kv_cache SET (autovacuum_enabled = false)")
    for _ in range(2):
        keys = [f"k{n}" for n in range(100)]
        await driver.put_many(Call("main"), KVBatch(keys, [b"1"] * 100, [False] * 100, None))
    async with backend.pool.acquire(raw=True) as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    stored = list((await backend.catalogue()).values())
    deadline = asyncio.get_running_loop().time() + 30
    while True:
        found = {finding.check: finding for finding in await backend.findings(stored)}
        if "dead_rows" in found or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    assert "kv_cache has 100 dead rows beside 100 live ones" in found["dead_rows"].message
    assert found["dead_rows"].severity == "warning"
    assert found["unused_index"].severity == "info"
    assert found["index_memory"].severity == "ok"
    assert found["connections_used"].severity == "ok"
    assert "superuser" in found["privileges"].message


async def test_rights_that_are_missing_are_told(postgres_server: PostgresServer) -> None:
    with postgres_server.owned_database() as dsn:
        async with opened_backend(dsn) as owner:
            await create_store(owner, KVSpec(name="cache"))
            stored = list((await owner.catalogue()).values())
            assert not [f for f in await owner.findings(stored) if f.check == "privileges"]
            await owner.pool.execute("REVOKE DELETE ON polystore.kv_cache FROM current_user")
            [finding] = [f for f in await owner.findings(stored) if f.check == "privileges"]
            assert (finding.severity, finding.store) == ("error", "cache")
            assert "may not DELETE on kv_cache" in finding.message


async def test_calls_that_wait_for_a_connection_are_told(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn, pool={"max": 2}) as backend:
        tasks = [
            asyncio.create_task(backend.pool.fetchval("SELECT pg_sleep(0.5)")) for _ in range(6)
        ]
        await asyncio.sleep(0.05)
        found = [f for f in await backend.findings([]) if f.check == "pool"]
        await asyncio.gather(*tasks)
        assert [finding.severity for finding in found] == ["warning"]
