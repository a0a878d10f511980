"""Rows of every shape: how they are written, read back and compared."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from polystore.types.json_domain import encode_json
from polystore.types.records import Document, Edge, KVEntry, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.client import Stores
    from polystore.sources import Row, Shape, SourcePart

_EXACT = 2**53


async def write(stores: Stores, part: SourcePart, rows: Sequence[Row]) -> None:
    """Store rows of a part; writing them again changes nothing."""
    given = cast("Sequence[Any]", rows)
    match part.shape:
        case "kv":
            await stores.kv(part.store).put_many((row.key, row.value) for row in given)
        case "doc":
            await stores.doc(part.store).put_many((row.id, row.data) for row in given)
        case "vector":
            await stores.vector(part.store).upsert(given)
        case "node":
            await stores.graph(part.store).upsert_nodes(given)
        case "edge":
            await stores.graph(part.store).upsert_edges(given)


async def read_back(stores: Stores, part: SourcePart, rows: Sequence[Row]) -> Sequence[Row | None]:
    """Return what is stored of the same rows, in order, None where nothing is."""
    given = cast("Sequence[Any]", rows)
    match part.shape:
        case "kv":
            return await stores.kv(part.store).get_entries(row.key for row in given)
        case "doc":
            return await stores.doc(part.store).get_many(row.id for row in given)
        case "vector":
            return await stores.vector(part.store).get_many(row.id for row in given)
        case "node":
            return await stores.graph(part.store).get_nodes(row.id for row in given)
        case "edge":
            return await stores.graph(part.store).get_edges(row.key for row in given)


async def count(stores: Stores, store: str, shape: Shape) -> int:
    """Return how many rows of a shape a store has."""
    match shape:
        case "kv":
            return await stores.kv(store).count()
        case "doc":
            return await stores.doc(store).count()
        case "vector":
            return await stores.vector(store).count()
        case "node":
            return (await stores.graph(store).count()).nodes
        case "edge":
            return (await stores.graph(store).count()).edges


def digest(row: Row) -> int:
    """Return a number of 256 bits that any difference in the row changes."""
    return int.from_bytes(sha256(_text(row)).digest(), "big")


def _text(row: Row) -> bytes:
    match row:
        case KVEntry(key=key, value=bytes() as value):
            return _joined(["kv", key, "bytes"], value)
        case KVEntry():
            return _joined(["kv", row.key], _json(row.value))
        case Document():
            return _joined(["doc", row.id], _json(row.data))
        case VectorRecord():
            vector = np.asarray(row.vector, dtype="<f4") + np.float32(0)  # -0.0 is 0.0
            named = _json([row.text, row.metadata])
            return _joined(["vector", row.id], named, vector.tobytes())
        case Node():
            return _joined(["node", row.id], _json([sorted(row.labels), row.properties]))
        case Edge():
            # An undirected graph gives back its ends in order.
            ends = sorted((row.source, row.target))
            return _joined(["edge", row.type, *ends], _json(row.properties))


def _joined(names: list[str], *parts: bytes) -> bytes:
    return b"\0".join([encode_json(names), *(f"{len(part)}:".encode() + part for part in parts)])


def _json(value: object) -> bytes:
    return encode_json(_canonical(value))


def _canonical(value: object) -> object:
    """Return a value as every engine gives it back: keys in order, whole floats as integers."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value)
        return {name: _canonical(items[name]) for name in sorted(items)}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in cast("list[object]", value)]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value
