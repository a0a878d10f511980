"""The kit on a Milvus server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, VectorSuite

if TYPE_CHECKING:
    from servers.milvus import MilvusServer


@pytest.fixture(scope="module")
def config(milvus23: MilvusServer, milvus_namespace: str) -> dict[str, Any]:
    return {"backends": {"main": {**milvus23.block, "namespace": milvus_namespace}}}


class TestBackend(BackendSuite): ...


class TestVector(VectorSuite): ...
