"""Vector stores in memory: every record that matches is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from polystore.filters import compile_predicate
from polystore.stores.nearness import best, compare, distance_of, scores_of
from polystore.stores.vector_driver import VectorDriver
from polystore.types.batches import Stamp
from polystore.types.json_domain import decode_json, encode_json, merge_patch
from polystore.types.records import Hit, Hits, Page, VectorRecord
from polystore_memory.driver import MemoryDriver
from polystore_memory.rows import VectorRow
from polystore_memory.words import rank, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.specs import Metric, VectorSpec
    from polystore.stores.queries import SearchQuery, TextQuery
    from polystore.types.batches import VectorBatch
    from polystore.types.call import Call
    from polystore_memory.space import Space, Write
    from polystore_memory.tables import Table

    Records = Table[str, VectorRow]

_PLAN = "exact"


class MemoryVector(MemoryDriver, VectorDriver):
    """Records by id."""

    def __init__(self, space: Space, stored: StoredSpec, spec: VectorSpec) -> None:
        super().__init__(space, stored)
        self._metric: Metric = spec.metric
        self._dimensions = spec.dimensions
        self._matrices: dict[str, _Matrix] = {}

    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            for position in range(len(batch.ids)):
                old = table.get(batch.ids[position])
                created = write.now if old is None else old.created_at
                _put(table, batch, position, Stamp(write.version, created, write.now))

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        with self.reading(call) as tables:
            table: Records = tables.table(self.key(call))
            rows = [(id_, table.get(id_)) for id_ in ids]
            return [
                None if row is None else _record(id_, row, with_vectors=with_vectors)
                for id_, row in rows
            ]

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        with self.reading(call) as tables:
            table: Records = tables.table(self.key(call))
            matrix = self._matrix(call, table, query.filter)
            return [self._nearest(table, matrix, vector, query) for vector in query.vectors]

    @override
    async def search_text(self, call: Call, query: TextQuery) -> Hits:
        with self.reading(call) as tables:
            table: Records = tables.table(self.key(call))
            chosen = None
            if query.filter is not None:
                chosen = [id_ for id_, _ in _matching(table, query.filter)]
            found = rank(table.items(), query.text, chosen)[: query.k]
            hits = [_hit(id_, table.get(id_), score, None) for score, id_ in found]
            return Hits(hits, exact=True, plan=_PLAN)

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            return sum(table.remove(id_) for id_ in ids)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            ids = [id_ for id_, _ in _matching(table, filter_)]
            return sum(table.remove(id_) for id_ in ids)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            return [
                _patch(table, id_, patch, write) for id_, patch in zip(ids, patches, strict=True)
            ]

    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            carried = [
                _version(table, id_) == known for id_, known in zip(batch.ids, seen, strict=True)
            ]
            for position, stamp in enumerate(stamps):
                if carried[position]:
                    _put(table, batch, position, stamp)
            return carried

    @override
    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:
        async with self.writing(call) as write:
            table: Records = write.tables.writable(self.key(call))
            return sum(
                table.remove(id_)
                for id_, known in zip(ids, seen, strict=True)
                if _version(table, id_) == known
            )

    @override
    async def scan_page(
        self,
        call: Call,
        filter_: Filter | None,
        cursor: str | None,
        limit: int,
        *,
        with_vectors: bool,
    ) -> Page[VectorRecord]:
        found: list[VectorRecord] = []
        with self.reading(call) as tables:
            table: Records = tables.table(self.key(call))
            for id_, row in _matching(table, filter_, cursor):  # it is the last id of the page
                if id_ == cursor:
                    continue
                if len(found) == limit:
                    return Page(found, found[-1].id)
                found.append(_record(id_, row, with_vectors=with_vectors))
        return Page(found)

    def _matrix(self, call: Call, table: Records, filter_: Filter | None) -> _Matrix:
        """Return what a search compares; kept until the table changes if that is all of it."""
        if filter_ is not None or call.session is not None:
            return _Matrix(table, filter_, self._dimensions)
        kept = self._matrices.get(call.workspace)
        if kept is None or not kept.is_of(table):
            kept = self._matrices[call.workspace] = _Matrix(table, None, self._dimensions)
        return kept

    def _nearest(
        self, table: Records, matrix: _Matrix, vector: NDArray[np.float32], query: SearchQuery
    ) -> Hits:
        values = compare(matrix.vectors, vector, self._metric)
        scores = scores_of(values, self._metric)
        hits: list[Hit] = []
        for position in best(scores, query.k, query.min_score):
            id_ = matrix.ids[position]
            score = float(scores[position])
            distance = distance_of(float(values[position]), self._metric)
            hits.append(_hit(id_, table.get(id_), score, distance, with_vector=query.with_vectors))
        return Hits(hits, exact=True, plan=_PLAN)


class _Matrix:
    """The vectors that match, one row each, in order of id."""

    def __init__(self, table: Records, filter_: Filter | None, dimensions: int) -> None:
        rows = list(_matching(table, filter_))
        self.ids = [id_ for id_, _ in rows]
        self.vectors = np.empty((len(rows), dimensions), np.float32)
        for position, (_, row) in enumerate(rows):
            self.vectors[position] = row.vector
        self._table = table
        self._revision = table.revision

    def is_of(self, table: Records) -> bool:
        """Return whether this is still what `table` holds."""
        return self._table is table and self._revision == table.revision


def _matching(
    table: Records, filter_: Filter | None, start: str | None = None
) -> Iterator[tuple[str, VectorRow]]:
    if filter_ is None:
        yield from table.items(start)
        return
    matches = compile_predicate(filter_)
    for id_, row in table.items(start):
        if matches(decode_json(row.json), row.meta(id_)):
            yield id_, row


def _version(table: Records, id_: str) -> int:
    row = table.get(id_)
    return 0 if row is None else row.version


def _put(table: Records, batch: VectorBatch, position: int, stamp: Stamp) -> None:
    id_, text = batch.ids[position], batch.texts[position]
    table.put(
        id_,
        VectorRow(
            json=batch.metadata_json[position],
            version=stamp.version,
            created_at=stamp.created_at,
            updated_at=stamp.updated_at,
            vector=batch.vectors[position].copy(),
            text=text,
            words=words(text or ""),
        ),
    )


def _patch(table: Records, id_: str, patch: dict[str, Any], write: Write) -> bool:
    old = table.get(id_)
    if old is None:
        return False
    merged = merge_patch(decode_json(old.json), patch)
    text = encode_json(merged, what=f"the metadata of record {id_!r}")
    table.put(id_, replace(old, json=text, version=write.version, updated_at=write.now))
    return True


def _record(id_: str, row: VectorRow, *, with_vectors: bool) -> VectorRecord:
    return VectorRecord(
        id_,
        row.vector.copy() if with_vectors else None,
        row.text,
        decode_json(row.json),
        row.version,
        row.created_at,
        row.updated_at,
    )


def _hit(
    id_: str,
    row: VectorRow | None,
    score: float,
    distance: float | None,
    *,
    with_vector: bool = False,
) -> Hit:
    if row is None:
        raise KeyError(id_)  # found in the same table just now
    vector = row.vector.copy() if with_vector else None
    return Hit(id_, score, distance, row.text, decode_json(row.json), vector)
