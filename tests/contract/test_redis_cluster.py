"""The kit on a cluster of six Redis servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, DocSuite, KVSuite

if TYPE_CHECKING:
    from servers.redis import RedisServer


@pytest.fixture(scope="module")
def config(cluster_nodes: list[RedisServer]) -> dict[str, Any]:
    nodes = [f"127.0.0.1:{node.port}" for node in cluster_nodes[:2]]
    return {"backends": {"main": {"use": "redis", "cluster": nodes}}}


class TestBackend(BackendSuite): ...


class TestKV(KVSuite): ...


class TestDoc(DocSuite): ...
