"""Fixtures of this plugin's tests: LightRAG on configurations, each on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from lightrag.kg import shared_storage
from matrix.combinations import ENGINES, config_of

import polystore_lightrag
from polystore.capabilities import KINDS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matrix.combinations import Placing

    from polystore.capabilities import Kind

CONFIGURATIONS: Final[dict[str, Placing]] = {
    "postgres": dict.fromkeys(KINDS, "postgres"),
    "neo4j + redis + milvus": {
        "kv": "redis",
        "vector": "milvus",
        "graph": "neo4j",
        "doc": "redis",
    },
}
"""What whole instances of LightRAG run on here, by name; an engine more is one entry more."""
_PATIENCE: Final = 120.0
"""Seconds for a call: three servers and LightRAG share the cores that a test has."""
SERVING: Final[dict[Kind, tuple[str, ...]]] = {
    "kv": ("memory", "postgres", "redis"),
    "vector": ("memory", "postgres", "milvus"),
    "graph": ("memory", "postgres", "neo4j"),
    "doc": ("memory", "postgres", "redis"),
}
"""What a single storage runs on, by its kind: the engine alone, so that no other is waited for."""


@pytest.fixture(autouse=True)
def shared_data() -> Generator[None]:
    """LightRAG's locks and flags of the process, made and forgotten for each test's loop."""
    polystore_lightrag.register()
    shared_storage.initialize_share_data()
    yield
    shared_storage.finalize_share_data()


@pytest.fixture(params=CONFIGURATIONS)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration in which nothing is stored yet, one after the other."""
    config = config_of(CONFIGURATIONS[request.param], request, tmp_path)
    for block in config["backends"].values():
        block["timeout"] = _PATIENCE
    return config


@pytest.fixture(params=SERVING["kv"])
def kv_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration of key-value stores alone."""
    return _alone("kv", request, tmp_path)


@pytest.fixture(params=SERVING["vector"])
def vector_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration of vector stores alone."""
    return _alone("vector", request, tmp_path)


@pytest.fixture(params=SERVING["graph"])
def graph_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration of graph stores alone."""
    return _alone("graph", request, tmp_path)


@pytest.fixture(params=SERVING["doc"])
def doc_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration of document stores alone."""
    return _alone("doc", request, tmp_path)


@pytest.fixture
def memory_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration in memory."""
    return config_of(dict.fromkeys(KINDS, "memory"), request, tmp_path)


def _alone(kind: Kind, request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    block = {"schema": "auto", **ENGINES[request.param](request, folder), "timeout": _PATIENCE}
    return {"backends": {request.param: block}, "defaults": {kind: request.param}}
