"""Opening polystore on a Neo4j of the test's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import polystore
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from polystore import Polystore


def client_of(block: Mapping[str, Any]) -> Polystore:
    """Return a client, not entered, with one graph."""
    stores = {"knowledge": {"kind": "graph"}}
    return polystore.open({"backends": {"main": dict(block)}, "stores": stores}, schema="auto")


async def until_it_works(attempt: Callable[[], Awaitable[Any]], seconds: float = 90) -> Any:
    """Return the answer of the first attempt that succeeds; others fail in a retryable way."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await attempt()
        except PolystoreError as error:
            if not error.retryable or loop.time() > deadline:
                raise
            await asyncio.sleep(0.2)
