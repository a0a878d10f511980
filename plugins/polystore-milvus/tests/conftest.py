"""Fixtures of this plugin's tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from servers.milvus import MilvusServer


@pytest.fixture
def block(milvus23: MilvusServer) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own."""
    return {**milvus23.block, "namespace": f"t{secrets.token_hex(6)}"}
