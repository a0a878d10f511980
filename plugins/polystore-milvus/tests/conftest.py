"""Fixtures of this plugin's tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from servers.milvus import MilvusServer


@pytest.fixture
def block(milvus23: MilvusServer) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own; making stores there takes seconds."""
    return {**milvus23.block, "namespace": f"test_{secrets.token_hex(6)}"}


@pytest.fixture(scope="module")
def shared_block(milvus23: MilvusServer, milvus_namespace: str) -> dict[str, Any]:
    """A backend's block for the whole module: tests keep to workspaces of their own."""
    return {**milvus23.block, "namespace": milvus_namespace}
