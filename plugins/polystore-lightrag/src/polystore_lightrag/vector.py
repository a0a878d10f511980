"""LightRAG's vector storage.

As in LightRAG's own, what is written waits for the end of a batch (`index_done_callback`), where
the texts are embedded together; until then this process sees it by id, and no search finds it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
from lightrag.base import BaseVectorStorage
from lightrag.utils import compute_mdhash_id
from typing_extensions import override

from polystore.filters import F
from polystore_lightrag import stores
from polystore_lightrag.base import PolystoreStorage
from polystore_lightrag.keys import is_short, stored_key
from polystore_lightrag.pending import Deleted, Pending, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from polystore.client import Stores
    from polystore.stores.vector import VectorStore
    from polystore.types.records import Hit, VectorRecord

ID_FIELD = "polystore_id"
"""Metadata beside a record's own: its id, where that is too long to be the record's id."""
TEXT_FIELD = "content"
_DEFAULT_BATCH = 10
_QUERY_PRIORITY = 5
_FIRST_LOAD = 1000
"""So many records into an empty store are loaded first and indexed then."""
_WRITERS = 2
"""Parts of a large batch that are stored at a time: an index for nearness keeps a server's core
busy with each."""


class PolystoreVectorStorage(PolystoreStorage, BaseVectorStorage):
    """Texts with their embeddings; whatever other fields they have are kept."""

    ARGUMENT: ClassVar[str] = "vector_storage"
    _store: VectorStore | None = None

    @override
    def _set_up(self) -> None:
        self._validate_embedding_func()
        given: Mapping[str, Any] = self.global_config.get("vector_db_storage_cls_kwargs") or {}
        threshold = given.get("cosine_better_than_threshold")
        if threshold is not None:
            self.cosine_better_than_threshold = float(threshold)
        self._batch = int(self.global_config.get("embedding_batch_num", _DEFAULT_BATCH))
        self._pending = Pending()
        self._flushing = asyncio.Lock()

    @override
    async def _bind(self, opened: Stores) -> None:
        self._store = opened.vector(stores.store_name(self.namespace))

    @property
    def _vectors(self) -> VectorStore:
        if self._store is None or self._lease is None:
            raise self._uninitialized()
        return self._store

    @override
    async def upsert(self, data: dict[str, dict[str, Any]]) -> None:
        """Have records stored at the end of the batch."""
        now = int(time.time())
        for id_, record in data.items():
            metadata = {name: value for name, value in record.items() if name != TEXT_FIELD}
            metadata.setdefault("created_at", now)
            if not is_short(id_):
                metadata[ID_FIELD] = id_
            self._pending.by_id[id_] = Waiting(cast("str", record[TEXT_FIELD]), metadata)

    @override
    async def delete(self, ids: list[str]) -> None:
        """Have records deleted at the end of the batch."""
        self._pending.by_id.update((id_, Deleted()) for id_ in ids)

    @override
    async def delete_entity(self, entity_name: str) -> None:
        """Delete the record of an entity at once."""
        id_ = compute_mdhash_id(entity_name, prefix="ent-")
        async with self._flushing:
            self._pending.by_id.pop(id_, None)
            await self._vectors.delete(stored_key(id_))

    @override
    async def delete_entity_relation(self, entity_name: str) -> None:
        """Delete the records of an entity's relations at once."""
        async with self._flushing:
            self._pending.drop_where(src_id=entity_name, tgt_id=entity_name)
            of_entity = (F("src_id") == entity_name) | (F("tgt_id") == entity_name)
            await self._vectors.delete(filter=of_entity)

    @override
    async def query(
        self, query: str, top_k: int, query_embedding: list[float] | None = None
    ) -> list[dict[str, Any]]:
        """Return the records nearest to a text or vector that are nearer than the threshold."""
        vector: Any = query_embedding
        if vector is None:
            [vector] = await self._embedded([query], "query", _priority=_QUERY_PRIORITY)
        threshold = self.cosine_better_than_threshold
        hits = await self._vectors.search(vector, k=top_k, min_score=threshold)
        return [{**_row(hit), "distance": hit.score} for hit in hits]

    @override
    async def get_by_id(self, id: str) -> dict[str, Any] | None:
        """Return a record without its vector, or None, which means that there is none."""
        return (await self._rows([id]))[0]

    @override
    async def get_by_ids(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the record of each id, in order, None where there is none."""
        rows: list[Any] = await self._rows(ids)
        return rows

    @override
    async def get_vectors_by_ids(self, ids: list[str]) -> dict[str, list[float]]:
        """Return the vectors of those of the ids that there are."""
        waiting = {
            id_: asked for id_ in ids if isinstance(asked := self._pending.by_id.get(id_), Waiting)
        }
        await self._embed(waiting.values())
        found = await self._vectors.get_many(
            stored_key(id_) for id_ in ids if id_ not in self._pending.by_id
        )
        vectors = {_id_of(record): record.vector for record in found if record is not None}
        vectors |= {id_: asked.vector for id_, asked in waiting.items()}
        return {
            id_: np.asarray(vector, dtype=np.float32).tolist() for id_, vector in vectors.items()
        }

    @override
    async def index_done_callback(self) -> None:
        """Embed and store what waits. What cannot be is kept, and tried again the next time."""
        async with self._flushing:
            asked = dict(self._pending.by_id)
            if not asked:
                return
            waiting = {id_: one for id_, one in asked.items() if isinstance(one, Waiting)}
            deleted = {id_: one for id_, one in asked.items() if isinstance(one, Deleted)}
            await self._embed(waiting.values())
            await self._vectors.delete([stored_key(id_) for id_ in deleted])
            self._pending.settle(dict(deleted))
            await self._write(waiting)
            self._pending.settle(dict(waiting))

    @override
    async def drop_pending_index_ops(self) -> None:
        """Forget what waits."""
        async with self._flushing:
            self._pending.by_id.clear()

    @override
    async def finalize(self) -> None:
        """Store what waits, and give the client back."""
        try:
            if self._lease is not None:
                await self.index_done_callback()
        finally:
            await super().finalize()

    @override
    async def _clear(self) -> None:
        async with self._flushing:
            self._pending.by_id.clear()
            await self._vectors.clear()

    async def _rows(self, ids: list[str]) -> list[dict[str, Any] | None]:
        asked = dict(self._pending.by_id)
        stored = [id_ for id_ in ids if id_ not in asked]
        keys = [stored_key(id_) for id_ in stored]
        if len(keys) == 1:  # goes together with what others ask meanwhile
            records = [await self._vectors.get(keys[0], with_vector=False)]
        else:
            records = await self._vectors.get_many(keys, with_vectors=False)
        rows = {
            id_: _row(record)
            for id_, record in zip(stored, records, strict=True)
            if record is not None
        }
        for id_ in ids:
            one = asked.get(id_)
            if isinstance(one, Waiting):
                rows[id_] = _shown(id_, one.text, one.metadata)
        return [rows.get(id_) for id_ in ids]

    async def _write(self, waiting: Mapping[str, Waiting]) -> None:
        if not waiting:
            return
        store = self._vectors
        vectors = np.stack([cast("NDArray[np.float32]", one.vector) for one in waiting.values()])
        texts = [one.text for one in waiting.values()]
        metadata = [one.metadata for one in waiting.values()]
        keys = [stored_key(id_) for id_ in waiting]
        first = len(keys) >= _FIRST_LOAD and await store.count() == 0
        async with store.bulk() if first else nullcontext():
            await store.upsert_arrays(
                keys, vectors, texts=texts, metadata=metadata, parallel=_WRITERS
            )

    async def _embed(self, waiting: Iterable[Waiting]) -> None:
        """Make the vectors that are not made yet, all batches at a time."""
        todo = [one for one in waiting if one.vector is None]
        parts = [todo[i : i + self._batch] for i in range(0, len(todo), self._batch)]
        made = await asyncio.gather(
            *(self._embedded([one.text for one in part], "document") for part in parts)
        )
        for part, vectors in zip(parts, made, strict=True):
            for one, vector in zip(part, vectors, strict=True):
                one.vector = np.asarray(vector, dtype=np.float32)

    async def _embedded(self, texts: list[str], context: str, **options: Any) -> Any:
        function: Any = self.embedding_func
        vectors = await function(texts, context=context, **options)
        if len(vectors) != len(texts):
            raise RuntimeError(f"{len(texts)} texts were embedded and {len(vectors)} vectors came")
        return vectors


def _id_of(record: VectorRecord | Hit) -> str:
    return cast("str", record.metadata.get(ID_FIELD, record.id))


def _row(record: VectorRecord | Hit) -> dict[str, Any]:
    return _shown(_id_of(record), record.text or "", record.metadata)


def _shown(id_: str, text: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in metadata.items() if name != ID_FIELD}
    return {**own, TEXT_FIELD: text, "id": id_}
