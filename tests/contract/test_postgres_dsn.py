"""The kit on a PostgreSQL that is reached by its address."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite


@pytest.fixture(scope="module")
def config(postgres_module_dsn: str) -> dict[str, Any]:
    return {"backends": {"main": {"use": "postgres", "dsn": postgres_module_dsn}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
