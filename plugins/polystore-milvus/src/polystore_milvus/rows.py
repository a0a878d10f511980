"""Rows as Milvus keeps them, from batches and to records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from polystore.types.json_domain import decode_json
from polystore.types.records import VectorRecord
from polystore_milvus import columns, wire
from polystore_milvus.declared import column_value
from polystore_milvus.metadata import facts_of
from polystore_milvus.protocol import milvus_pb2
from polystore_milvus.times import time_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from polystore.types.batches import VectorBatch
    from polystore_milvus.declared import Declared

NO_TEXT: Final = "\x00"
"""Stands for a text that is absent: Milvus has no null there, and no text of a user has a NUL."""

RECORD: Final = (
    columns.ID,
    columns.TEXT,
    columns.METADATA,
    columns.VERSION,
    columns.CREATED,
    columns.UPDATED,
)
"""Fields that a record is made of, besides its vector."""


class Stamps(NamedTuple):
    """The system fields of a row; times in microseconds."""

    version: int
    created: int
    updated: int


class Clock:
    """Versions and times of writes: microseconds since 1970, each higher than the one before."""

    def __init__(self) -> None:
        self._last = 0

    def tick(self) -> int:
        """Return the next one."""
        self._last = max(self._last + 1, time.time_ns() // 1000)
        return self._last


def upsert_request(
    collection: str,
    workspace: str,
    batch: VectorBatch,
    part: range,
    declared: Declared,
    keys: Sequence[str],
    stamps: Sequence[Stamps],
) -> milvus_pb2.UpsertRequest:
    """Return a request that writes a part of a batch.

    Args:
        collection: Its name.
        workspace: Of the rows.
        batch: Where they come from.
        part: Which of them.
        declared: Fields that have a column, by path.
        keys: Of these rows.
        stamps: The system fields of each.
    """
    rows = slice(part.start, part.stop)
    objects = list(batch.metadata[rows])
    facts = [orjson.dumps(facts_of(metadata)) for metadata in objects]
    request = milvus_pb2.UpsertRequest(collection_name=collection, num_rows=len(keys))
    wire.add_texts(request, columns.KEY, keys)
    wire.add_texts(request, columns.WORKSPACE, [workspace] * len(keys))
    wire.add_texts(request, columns.ID, batch.ids[rows])
    wire.add_vectors(request, columns.VECTOR, batch.vectors[rows])
    texts = [NO_TEXT if text is None else text for text in batch.texts[rows]]
    wire.add_texts(request, columns.TEXT, texts)
    metadata = [text.decode() for text in batch.metadata_json[rows]]
    wire.add_texts(request, columns.METADATA, metadata)
    wire.add_json(request, columns.FACTS, facts)
    for path, name in declared.items():
        wire.add_texts(request, name, [column_value(path, metadata) for metadata in objects])
    wire.add_numbers(request, columns.VERSION, [stamp.version for stamp in stamps])
    wire.add_numbers(request, columns.CREATED, [stamp.created for stamp in stamps])
    wire.add_numbers(request, columns.UPDATED, [stamp.updated for stamp in stamps])
    return request


def records_of(found: Mapping[str, Any]) -> list[VectorRecord]:
    """Return the records of an answer in columns."""
    ids: Sequence[str] = found[columns.ID]
    vectors: NDArray[np.float32] | None = found.get(columns.VECTOR)
    return [
        VectorRecord(
            id_,
            None if vectors is None else vectors[row].copy(),
            text_of(found[columns.TEXT][row]),
            decode_json(found[columns.METADATA][row]),
            found[columns.VERSION][row],
            time_of(found[columns.CREATED][row]),
            time_of(found[columns.UPDATED][row]),
        )
        for row, id_ in enumerate(ids)
    ]


def text_of(stored: str) -> str | None:
    """Return the text that a record has."""
    return None if stored == NO_TEXT else stored
