"""The kit on Valkey that is reached by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, DocSuite, KVSuite

if TYPE_CHECKING:
    from servers.redis import RedisServer


@pytest.fixture(scope="module")
def config(valkey9: RedisServer, redis_namespace: str) -> dict[str, Any]:
    block = {"use": "redis", "url": valkey9.url, "namespace": redis_namespace}
    return {"backends": {"main": block}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestDoc(DocSuite): ...
