"""The kit on a PostgreSQL whose row-level security keeps workspaces apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def config(postgres_server: PostgresServer) -> Generator[dict[str, Any]]:
    with postgres_server.owned_database() as dsn:
        yield {"backends": {"main": {"use": "postgres", "dsn": dsn, "row_level_security": True}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
