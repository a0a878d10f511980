"""What doctor says of servers that are not at hand: their facts are changed, not their words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore.errors import PolystoreError
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, KVSpec
from polystore.stores.queries import SearchQuery
from polystore.types.call import Call
from polystore_postgres.schema_doc import doc_spec

from .stores import create_store, opened_backend

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore_postgres.backend import PostgresBackend


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
