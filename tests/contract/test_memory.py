"""The kit on the reference backend: in a space that clients share, and private to each client."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return {"backends": {"main": {"use": "memory", "shared": "contract tests"}}}


class TestBackend(BackendSuite): ...


class TestPrivateBackend(BackendSuite):
    clients_share = False

    @pytest.fixture(scope="class")
    @classmethod
    def config(cls) -> dict[str, Any]:
        return {"backends": {"main": {"use": "memory"}}}


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
