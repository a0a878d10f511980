"""Fixtures of Redis and Valkey; the root conftest loads this module as a plugin."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from servers.redis import RedisServer, redis_cluster, redis_server, valkey_program

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="session")
def redis7() -> Generator[RedisServer]:
    """A Redis for the whole run; POLYSTORE_TEST_REDIS_URL names an existing server instead."""
    given = os.environ.get("POLYSTORE_TEST_REDIS_URL")
    if given:
        parts = urlsplit(given)
        yield RedisServer(parts.port or 6379, parts.password or "")
        return
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def valkey9() -> Generator[RedisServer]:
    """A Valkey for the whole run."""
    with redis_server(valkey_program()) as server:
        yield server


@pytest.fixture(scope="module")
def cluster_nodes() -> Generator[list[RedisServer]]:
    """Six nodes of one cluster, for a module."""
    with redis_cluster() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def redis_namespace() -> str:
    """A namespace that no other module uses."""
    return f"test-{secrets.token_hex(6)}"
