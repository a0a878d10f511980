"""Fixtures of this plugin's tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from servers.redis import RedisServer


@pytest.fixture
def block(redis7: RedisServer) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own."""
    return {"url": redis7.url, "namespace": f"test-{secrets.token_hex(6)}"}
