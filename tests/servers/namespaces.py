"""Namespaces on servers that many tests share, gone when who asked for one is done.

Whatever a server holds costs it something all the time: Milvus keeps every collection loaded, and
Neo4j's schema is read whole at every open.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pytest


class Shared(Protocol):
    """A server that can be rid of a namespace."""

    def forget(self, namespace: str) -> None:
        """Remove all that is in a namespace."""
        ...


def namespace_on(server: Shared, request: pytest.FixtureRequest, prefix: str = "test") -> str:
    """Return a namespace that nobody else uses; it is emptied when `request`'s scope ends."""
    namespace = f"{prefix}_{secrets.token_hex(6)}"
    request.addfinalizer(lambda: server.forget(namespace))
    return namespace
