"""Vector stores: sqlite-vec compares every record that matches; FTS5 searches their texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from typing_extensions import override

from polystore.stores.queries import FindQuery
from polystore.stores.vector_driver import VectorDriver
from polystore.types.json_domain import decode_json, encode_json, merge_patch
from polystore.types.records import Hit, Hits, Page, VectorRecord
from polystore_sqlite.rows import Rows, data_of, system_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.specs import VectorSpec
    from polystore.stores.queries import SearchQuery, TextQuery
    from polystore.types.batches import Stamp, VectorBatch
    from polystore.types.call import Call
    from polystore_sqlite.connection import Connection, Row
    from polystore_sqlite.database import Database

_NEAREST = {
    "cosine": ("vec_distance_cosine(vector, ?)", "1.0 - distance"),
    "l2": ("vec_distance_l2(vector, ?)", "1.0 / (1.0 + distance)"),
}
"""Distance and score, as `polystore.types.records.Hit` defines them."""
_PLAN = "sqlite-vec exact"
_WORD = re.compile(r"\w+")


class SqliteVector(Rows, VectorDriver):
    """Records by id."""

    extra: ClassVar[tuple[str, ...]] = ("vector", "text")

    def __init__(self, database: Database, stored: StoredSpec, spec: VectorSpec) -> None:
        super().__init__(database, stored)
        self._distance, self._score = _NEAREST[spec.metric]

    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        rows = self._rows(batch)
        await self.write(call, lambda connection: self.put(connection, call, rows))

    def _rows(self, batch: VectorBatch) -> list[Row]:
        return [
            (id_, metadata.decode(), vector.tobytes(), text)
            for id_, metadata, vector, text in zip(
                batch.ids, batch.metadata_json, batch.vectors, batch.texts, strict=True
            )
        ]

    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        rows = self._rows(batch)

        def carry(connection: Connection) -> list[bool]:
            same = self._have(connection, call, batch.ids, seen)
            for row, stamp, is_same in zip(rows, stamps, same, strict=True):
                if is_same:
                    self.put_stamped(connection, call, row, stamp)
            return same

        return await self.write(call, carry)

    @override
    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:
        def delete(connection: Connection) -> int:
            same = self._have(connection, call, ids, seen)
            chosen = [id_ for id_, is_same in zip(ids, same, strict=True) if is_same]
            return self.delete_rows(connection, call, chosen)

        return await self.write(call, delete)

    def _have(
        self, connection: Connection, call: Call, ids: list[str], versions: Sequence[int]
    ) -> list[bool]:
        """Return whether each of `ids` has its version; 0 stands for none."""
        rows = self.by_id(connection, call, ids)
        return [
            version == (0 if row is None else row[2])
            for row, version in zip(rows, versions, strict=True)
        ]

    @override
    async def get_many(
        self, call: Call, ids: list[str], *, with_vectors: bool
    ) -> list[VectorRecord | None]:
        rows = await self.read(call, lambda connection: self.by_id(connection, call, ids))
        return [None if row is None else _record(row, with_vector=with_vectors) for row in rows]

    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        where, parameters = self.where(call, query.filter)
        score = f"WHERE {self._score} >= ?" if query.min_score is not None else ""
        bounds = [] if query.min_score is None else [query.min_score]
        vector = ", vector" if query.with_vectors else ""
        sql = (
            f"SELECT id, {self._score}, distance, text, body{vector} FROM (SELECT n, distance FROM "
            f"(SELECT n, id, {self._distance} AS distance FROM {self.table} WHERE {where}) {score} "
            f"ORDER BY distance, id LIMIT ?) JOIN {self.table} USING (n) ORDER BY distance, id"
        )

        def nearest(connection: Connection) -> list[list[Row]]:
            ends = [*parameters, *bounds, query.k]
            return [connection.rows(sql, (vector.tobytes(), *ends)) for vector in query.vectors]

        answers = await self.read(call, nearest)
        return [_hits(rows, _PLAN) for rows in answers]

    @override
    async def search_text(self, call: Call, query: TextQuery) -> Hits:
        words = _WORD.findall(query.text)
        if not words:
            return Hits(exact=True, plan="fts5")
        where, parameters = self.where(call, query.filter)
        sql = (
            f"SELECT id, score, NULL, text, body FROM (SELECT rowid AS n, "
            f"polystore_words({self.table}_fts) AS score FROM {self.table}_fts "
            f"WHERE {self.table}_fts MATCH ?) JOIN {self.table} USING (n) "
            f"WHERE {where} ORDER BY score DESC, id LIMIT ?"
        )
        match = " OR ".join(f'"{word}"' for word in words)
        ends = [match, *parameters, query.k]
        rows = await self.read(call, lambda c: c.rows(sql, ends))
        return _hits(rows, "fts5")

    @override
    async def delete_many(self, call: Call, ids: list[str]) -> int:
        return await self.delete_ids(call, ids)

    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        def patch(connection: Connection) -> list[bool]:
            rows = self.by_id(connection, call, ids)
            self.put(
                connection,
                call,
                [
                    (row[0], encode_json(merge_patch(data_of(row), change)).decode(), *row[5:])
                    for row, change in zip(rows, patches, strict=True)
                    if row is not None
                ],
            )
            return [row is not None for row in rows]

        return await self.write(call, patch)

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
        query = FindQuery(filter_, (), limit + 1, None if cursor is None else ((), cursor))
        rows = await self.read(call, lambda connection: self.find_rows(connection, call, query))
        records = [_record(row, with_vector=with_vectors) for row in rows[:limit]]
        return Page(records, records[-1].id if len(rows) > limit else None)

    @override
    async def count_where(self, call: Call, filter_: Filter) -> int:
        return await self.count_matching(call, filter_)

    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return await self.delete_matching(call, filter_)


def _vector(blob: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.frombuffer(blob, np.float32).copy()


def _record(row: Row, *, with_vector: bool) -> VectorRecord:
    vector = _vector(row[5]) if with_vector else None
    return VectorRecord(row[0], vector, row[6], data_of(row), *system_of(row))


def _hits(rows: list[Row], plan: str) -> Hits:
    hits = (
        Hit(id_, score, distance, text, decode_json(body), *map(_vector, vector))
        for id_, score, distance, text, body, *vector in rows
    )
    return Hits(hits, exact=True, plan=plan)
