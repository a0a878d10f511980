"""Opening polystore on a Milvus of the test's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

import polystore
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from numpy.typing import NDArray

    from polystore import Polystore

DIMENSIONS = 8


def client_of(
    block: Mapping[str, Any], *, schema: str | None = "auto", **changes: Any
) -> Polystore:
    """Return a client, not entered, with one store `chunks`.

    Args:
        block: Of the backend, but for `use`.
        schema: What is done about differences at open.
        changes: What the store declares besides, or instead.
    """
    chunks: dict[str, Any] = {"kind": "vector", "dimensions": DIMENSIONS, **changes}
    main = {"use": "milvus", **block}
    return polystore.open({"backends": {"main": main}, "stores": {"chunks": chunks}}, schema=schema)


def matrix(rows: int, dimensions: int = DIMENSIONS, seed: int = 1) -> NDArray[np.float32]:
    """Return random vectors."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, dimensions)).astype(np.float32)


async def until_it_works(attempt: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Return the answer of the first attempt that succeeds; others fail in a retryable way."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await attempt()
        except PolystoreError as error:
            if not error.retryable or loop.time() > deadline:
                raise
            await asyncio.sleep(0.05)
