"""Records on their way from one generation of a store to another, with their system fields."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from polystore.errors import InvalidRecord, PolystoreError
from polystore.stores.columns import split, take
from polystore.stores.vector_input import as_matrix
from polystore.types.batches import Decoded, Stamp, VectorBatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from polystore.specs import VectorSpec
    from polystore.stores.bound import BoundStore
    from polystore.types.call import Call
    from polystore.types.records import VectorRecord

Embed: TypeAlias = Callable[[list[str]], Awaitable[Any] | Any]
"""Takes texts and returns a vector for each, at once or to be awaited."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


async def carry(
    store: BoundStore[Any],
    call: Call,
    batch: VectorBatch,
    stamps: Sequence[Stamp],
    seen: Sequence[int],
) -> list[bool]:
    """Do as `VectorDriver.carry`, in as many parts as the backend's limits ask for."""
    limits = (await store.ready()).capabilities.limits
    sizes = [
        vector.nbytes + len(metadata) + len((text or "").encode())
        for vector, metadata, text in zip(
            batch.vectors, batch.metadata_json, batch.texts, strict=True
        )
    ]
    stored: list[bool] = []
    for part in split(sizes, rows=limits.batch_rows, size=limits.batch_bytes):
        stored += await _carry(store, call, take(batch, part), stamps, seen, part)
    return stored


async def _carry(
    store: BoundStore[Any],
    call: Call,
    batch: VectorBatch,
    stamps: Sequence[Stamp],
    seen: Sequence[int],
    part: range,
) -> list[bool]:
    rows = slice(part.start, part.stop)
    return await store.run(
        "carry", call, lambda d: d.carry(call, batch, stamps[rows], seen[rows]), rows=len(part)
    )


def stamp_of(record: VectorRecord) -> Stamp:
    """Return the system fields of a record that was read.

    Raises:
        PolystoreError: The backend left out when it was written.
    """
    if record.created_at is None or record.updated_at is None:
        raise PolystoreError(f"record {record.id!r} does not say when it was written")
    return Stamp(record.version, record.created_at, record.updated_at)


async def mark(
    marks: BoundStore[Any],
    call: Call,
    ids: Sequence[str],
    versions: Sequence[int],
    seen: Sequence[int],
) -> None:
    """Note the versions at which two generations are equal.

    Args:
        marks: Where to.
        call: The call.
        ids: The records.
        versions: What is noted of each.
        seen: What was noted of each before, 0 for nothing.
    """
    texts = [b"{}"] * len(ids)
    vectors = np.tile(np.array([1.0, 0.0], np.float32), (len(ids), 1))
    batch = VectorBatch(list(ids), vectors, [None] * len(ids), Decoded(texts), texts)
    stamps = [Stamp(version, _LONG_AGO, _LONG_AGO) for version in versions]
    await carry(marks, call, batch, stamps, seen)


async def embedded(embed: Embed, texts: list[str], spec: VectorSpec) -> NDArray[np.float32]:
    """Return a vector for each text, as a store of `spec` takes them.

    A plain function is called in a thread, as it may take long.

    Raises:
        PolystoreError: The function failed; its error is the cause.
        InvalidRecord: It returned something else than a vector of the right size for each text.
    """
    try:
        if inspect.iscoroutinefunction(embed):
            made = await embed(texts)
        else:
            made = await asyncio.to_thread(embed, texts)
            if inspect.isawaitable(made):
                made = await made
    except Exception as error:
        # Its text may hold what a server said, an address or a key; it is the cause.
        raise PolystoreError(
            f"the embedding function failed with {type(error).__name__}",
            store=spec.name,
            hint="What was carried over so far stays; run `fill` again when the function works",
        ) from error
    what = "the vectors that the embedding function returned"
    matrix = as_matrix(made, dimensions=spec.dimensions, metric=spec.metric, what=what)
    if len(matrix) != len(texts):
        raise InvalidRecord(
            f"the embedding function returned {len(matrix)} vectors for {len(texts)} texts",
            store=spec.name,
            hint="Return one for each text, in the same order",
        )
    return matrix
