"""The kit on the embedded Valkey."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import BackendSuite, DocSuite, KVSuite


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("embedded-redis")
    return {"backends": {"main": {"use": "redis", "embedded": str(folder)}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestDoc(DocSuite): ...
