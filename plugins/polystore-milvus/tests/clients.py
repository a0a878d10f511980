"""Opening polystore on a Milvus of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

import polystore
from polystore import VectorRecord
from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from polystore import Polystore

DIMENSIONS = 8


def client_of(
    block: Mapping[str, Any],
    name: str = "things",
    *,
    schema: Literal["auto", "check", "off"] = "auto",
    **declared: Any,
) -> Polystore:
    """Return a client, not entered, with one vector store.

    Args:
        block: Of the backend; `use` may be left out.
        name: The store's.
        schema: What is done about differences at open.
        declared: What the store declares besides, or instead.
    """
    config = {
        "backends": {"main": {"use": "milvus", **block}},
        "stores": {name: {"kind": "vector", "dimensions": DIMENSIONS, **declared}},
    }
    return polystore.open(config, schema=schema)


def matrix(rows: int, dimensions: int = DIMENSIONS, seed: int = 1) -> NDArray[np.float32]:
    """Return vectors, the same ones for the same arguments."""
    return np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)


def record(id_: str, number: int = 0, text: str | None = None) -> VectorRecord:
    """Return a record of `things`."""
    return VectorRecord(id_, [1.0, float(number), 0, 0, 0, 0, 0, 0], text, {"n": number})


async def refused(block: Mapping[str, Any]) -> PolystoreError:
    """Return the error of opening a client, which says what to do and shows no secret."""
    with pytest.raises(PolystoreError) as caught:
        await client_of({"connect_timeout": 5, **block}).__aenter__()
    error = caught.value
    shown = f"{error!r}{error}{error.__cause__!r}{error.__cause__}"
    for key in ("token", "password"):
        if key in block:
            assert block[key].rpartition(":")[2] not in shown
    assert error.hint
    return error
