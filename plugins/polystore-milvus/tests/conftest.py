"""Fixtures of this plugin's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers.namespaces import namespace_on

if TYPE_CHECKING:
    from servers.milvus import MilvusServer


@pytest.fixture
def block(milvus23: MilvusServer, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own; making stores there takes seconds."""
    return {**milvus23.block, "namespace": namespace_on(milvus23, request)}


@pytest.fixture(scope="module")
def shared_block(milvus23: MilvusServer, milvus_namespace: str) -> dict[str, Any]:
    """A backend's block for the whole module: tests keep to workspaces of their own."""
    return {**milvus23.block, "namespace": milvus_namespace}
