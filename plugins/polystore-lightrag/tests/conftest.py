"""Fixtures of this plugin's tests: LightRAG on configurations, each on real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from lightrag.kg import shared_storage
from matrix.combinations import config_of

import polystore_lightrag
from polystore.capabilities import KINDS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matrix.combinations import Placing

CONFIGURATIONS: Final[dict[str, Placing]] = {
    "memory": dict.fromkeys(KINDS, "memory"),
    "postgres": dict.fromkeys(KINDS, "postgres"),
    "redis + postgres + neo4j": {
        "kv": "redis",
        "vector": "postgres",
        "graph": "neo4j",
        "doc": "redis",
    },
}
"""What LightRAG runs on here, by name; an engine more is one entry more."""


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
    return config_of(CONFIGURATIONS[request.param], request, tmp_path)


@pytest.fixture
def memory_config(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A configuration in memory."""
    return config_of(CONFIGURATIONS["memory"], request, tmp_path)
