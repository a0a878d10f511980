"""The kit on a PostgreSQL that runs embedded, from a folder."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("embedded")
    return {"backends": {"main": {"use": "postgres", "embedded": True, "path": str(folder)}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
