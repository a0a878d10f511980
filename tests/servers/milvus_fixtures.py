"""Fixtures of Milvus; the root conftest loads this module as a plugin."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from servers.milvus import MilvusServer, milvus_server
from servers.namespaces import namespace_on
from servers.shared import shared

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="session")
def milvus23(request: pytest.FixtureRequest) -> MilvusServer:
    """A Milvus for the whole run.

    POLYSTORE_TEST_MILVUS_URI, http://HOST:PORT, names an existing server instead, and
    POLYSTORE_TEST_MILVUS_TOKEN, user:password, its login where it asks for one.
    """
    given = os.environ.get("POLYSTORE_TEST_MILVUS_URI")
    if given:
        return MilvusServer(given, os.environ.get("POLYSTORE_TEST_MILVUS_TOKEN", ""))
    return MilvusServer(**shared(request, "milvus", _start))


@pytest.fixture(scope="module")
def milvus_namespace(milvus23: MilvusServer, request: pytest.FixtureRequest) -> str:
    """A namespace that no other module uses."""
    return namespace_on(milvus23, request)


@contextlib.contextmanager
def _start() -> Generator[dict[str, Any]]:
    with milvus_server(password=secrets.token_hex(8)) as server:
        yield {"uri": server.uri, "token": server.token, "pid": server.pid}
