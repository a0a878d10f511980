"""Fixtures of the tests of the synchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import polystore.sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORES: dict[str, Any] = {
    "cache": {"kind": "kv"},
    "papers": {"kind": "doc", "indexes": ["year"]},
    "chunks": {"kind": "vector", "dimensions": 3},
    "links": {"kind": "graph"},
}
MEMORY: dict[str, Any] = {"backends": {"main": {"use": "memory"}}, "stores": STORES}


@pytest.fixture
def ps() -> Iterator[polystore.sync.Polystore]:
    with polystore.sync.open(MEMORY) as client:
        yield client


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a configuration with an embedded PostgreSQL of these tests' own."""
    path: Path = tmp_path_factory.mktemp("sync") / "pg"
    main = {"use": "postgres", "embedded": True, "path": str(path)}
    return {"backends": {"main": main}, "stores": STORES}


@pytest.fixture(scope="module", params=["memory", "embedded"])
def engine(request: pytest.FixtureRequest) -> Iterator[polystore.sync.Polystore]:
    config = MEMORY if request.param == "memory" else request.getfixturevalue("embedded")
    with polystore.sync.open(config) as client:
        yield client
