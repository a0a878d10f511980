"""Vector stores: the handle that users hold."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from polystore.stores.bound import Chunk
from polystore.stores.columns import json_object, pick
from polystore.stores.vector_input import build_batch, check_fields, stack
from polystore.stores.vector_reads import VectorReads
from polystore.types.json_domain import decode_json, encode_json
from polystore.types.names import check_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from polystore.stores.filtering import FilterLike
    from polystore.types.batches import VectorBatch
    from polystore.types.call import Call
    from polystore.types.records import VectorRecord


class VectorStore(VectorReads):
    """Ids to a float32 vector, a text and metadata; found by nearness, by text and by filters."""

    __slots__ = ()

    async def upsert(
        self, records: Iterable[VectorRecord], *, atomic: bool = False, parallel: int = 1
    ) -> None:
        """Store records, each replaced whole; of equal ids the last wins.

        Args:
            records: What to store; every vector is checked before any I/O.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            InvalidRecord: An id, vector, text or metadata lies outside what can be stored.
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        rows = list(records)
        await self.upsert_arrays(
            [record.id for record in rows],
            stack(rows, self.spec.dimensions),
            texts=[record.text for record in rows],
            metadata=[record.metadata for record in rows],
            atomic=atomic,
            parallel=parallel,
        )

    async def upsert_arrays(
        self,
        ids: Sequence[str],
        vectors: ArrayLike,
        *,
        texts: Sequence[str | None] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store records given in columns, the quickest way in.

        Args:
            ids: One per row.
            vectors: float32, shape (rows, dimensions); other dtypes are converted. Not copied
                where that can be avoided, so leave it alone until the call is back.
            texts: One per row, or None for no text at all.
            metadata: One JSON object per row, or None for empty ones.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            InvalidRecord: As `upsert`; also columns of differing lengths.
            PartialWrite: As `upsert`.
        """
        columns = build_batch(self.spec, ids, vectors, texts, metadata)
        if not columns.ids:
            return
        limits = (await self._store.ready()).capabilities.limits
        for text, meta in zip(columns.texts, columns.metadata_json, strict=True):
            self._store.check_size(len(meta), limits.value_bytes, what="the metadata")
            self._store.check_size(_size(text), limits.text_bytes, what="the text")
        if len(columns.ids) == 1:
            # It may be stored after the caller gave up waiting and put other numbers into it.
            columns.vectors = columns.vectors.copy()
            await self._write_one("upsert", columns, self._write)
        else:
            await self._write(self._call, columns, atomic=atomic, parallel=parallel)

    async def _write(
        self, call: Call, batch: VectorBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        vector = batch.vectors.shape[1] * batch.vectors.itemsize
        columns = zip(batch.texts, batch.metadata_json, strict=True)
        await self._write_batch(
            "upsert",
            call,
            batch,
            batch.ids,
            [_size(text) + len(meta) + vector for text, meta in columns],
            lambda d, call, part: d.upsert(call, part),
            atomic=atomic,
            parallel=parallel,
        )

    @asynccontextmanager
    async def bulk(self) -> AsyncGenerator[None]:
        """Bracket a large load: where the engine can, index work is put off until the end.

        Meanwhile searches answer as always, perhaps more slowly.
        """
        driver = await self._store.ready()
        self._store.gate.check(self.name)
        async with driver.bulk(self._call):
            yield

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were.

        Raises:
            InvalidFilter: Neither or both are given, or the filter matches everything.
        """
        return await self._delete(
            ids,
            filter,
            lambda d, part: d.delete_many(self._call, part),
            lambda d, wanted: d.delete_where(self._call, wanted),
        )

    async def update_metadata(self, patches: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Merge a patch (RFC 7396: null removes) into the metadata of each id.

        Vectors and texts stay. Returns the ids that are absent, in order; nothing is created.
        """
        ids = check_keys(patches, what="the id")
        values = [_patch(id_, patches[id_]) for id_ in ids]
        fields = self.spec.field_paths()
        for id_, patch in zip(ids, values, strict=True):
            check_fields(patch, fields, id_)
        rows = (await self._store.ready()).capabilities.limits.batch_rows
        parts = (range(i, min(i + rows, len(ids))) for i in range(0, len(ids), rows))
        chunks = [Chunk(part, part) for part in parts]
        size = 0 if self._store.quota is None else sum(len(encode_json(v)) for v in values)
        async with self._room(self._call, (), size):
            present = await self._store.run_chunks(
                "update_metadata",
                self._call,
                chunks,
                lambda d, call, part: d.patch_metadata(call, pick(ids, part), pick(values, part)),
            )
        flags = [flag for part in present for flag in part]
        return [id_ for id_, there in zip(ids, flags, strict=True) if not there]


def _patch(id_: str, patch: object) -> dict[str, Any]:
    """Return `patch` as it is now; the caller's own may change while the call waits."""
    what = f"the patch of {id_!r}"
    return decode_json(encode_json(json_object(patch, what=what), what=what))


def _size(text: str | None) -> int:
    return 0 if text is None else len(text.encode())
