"""The conformance kit on this backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, DocSuite, GraphSuite, KVSuite, VectorSuite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file: Path = tmp_path_factory.mktemp("sqlite") / "kit.db"
    return {"backends": {"main": {"use": "sqlite", "path": str(file)}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestVector(VectorSuite): ...


class TestGraph(GraphSuite): ...


class TestDoc(DocSuite): ...
