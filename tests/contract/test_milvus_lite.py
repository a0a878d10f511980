"""The kit on the embedded Milvus Lite."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import BackendSuite, VectorSuite


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("milvus-lite")
    return {"backends": {"main": {"use": "milvus", "embedded": str(folder)}}}


class TestBackend(BackendSuite): ...


class TestVector(VectorSuite): ...
