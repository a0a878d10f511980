"""The kit on the reference backend."""

from __future__ import annotations

from typing import Any

import pytest

from polystore.testing import DocSuite, KVSuite, VectorSuite


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return {"backends": {"main": {"use": "memory"}}}


class TestKV(KVSuite): ...


class TestDoc(DocSuite): ...


class TestVector(VectorSuite): ...
