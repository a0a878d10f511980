"""Vector stores: the handle that users hold."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import InvalidFilter, InvalidRecord, LimitExceeded
from polystore.specs import VectorSpec
from polystore.stores.bound import Handle, last_positions, pick, split
from polystore.stores.filtering import FilterLike, checked_filter, refuse_empty
from polystore.stores.fusion import fuse
from polystore.stores.queries import SearchQuery, TextQuery
from polystore.stores.vector_driver import VectorDriver
from polystore.stores.vector_input import as_matrix, build_batch, check_fields, stack, take
from polystore.types.json_domain import check_text, encode_json
from polystore.types.names import check_keys

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from polystore.filters import Filter
    from polystore.types.batches import VectorBatch
    from polystore.types.records import Hits, VectorRecord
    from polystore.types.reports import Explanation

_READ_ROWS = 500
_FUSION_DEPTH = 4
"""Hybrid search fuses rankings of k times so many, so that agreement below the top counts."""


class VectorStore(Handle[VectorDriver]):
    """Ids to a float32 vector, a text and metadata; found by nearness, by text and by filters."""

    __slots__ = ()

    @property
    @override
    def spec(self) -> VectorSpec:
        """What was declared."""
        spec = self._store.spec
        if not isinstance(spec, VectorSpec):
            raise TypeError(f"store {spec.name} is no vector store")
        return spec

    async def upsert(self, records: Iterable[VectorRecord], *, atomic: bool = False) -> None:
        """Store records, each replaced whole; of equal ids the last wins.

        Args:
            records: What to store; every vector is checked before any I/O.
            atomic: All or nothing however many there are, or UnsupportedError.

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
        )

    async def upsert_arrays(
        self,
        ids: Sequence[str],
        vectors: ArrayLike,
        *,
        texts: Sequence[str | None] | None = None,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        atomic: bool = False,
    ) -> None:
        """Store records given in columns, the quickest way in.

        Args:
            ids: One per row.
            vectors: float32, shape (rows, dimensions); other dtypes are converted.
            texts: One per row, or None for no text at all.
            metadata: One JSON object per row, or None for empty ones.
            atomic: All or nothing however many there are, or UnsupportedError.

        Raises:
            InvalidRecord: As `upsert`; also columns of differing lengths.
            PartialWrite: As `upsert`.
        """
        columns = build_batch(self.spec, ids, vectors, texts, metadata)
        if not columns.ids:
            return
        limits = (await self._store.ready()).capabilities.limits
        sizes: list[int] = []
        for text, meta in zip(columns.texts, columns.metadata_json, strict=True):
            text_size = 0 if text is None else len(text.encode())
            self._store.check_size(len(meta), limits.value_bytes, what="the metadata")
            self._store.check_size(text_size, limits.text_bytes, what="the text")
            sizes.append(len(meta) + text_size + columns.vectors.shape[1] * 4)
        kept = last_positions(columns.ids) or range(len(columns.ids))
        parts = split([sizes[i] for i in kept], rows=limits.batch_rows, size=limits.batch_bytes)
        chunks: list[tuple[Sequence[int], VectorBatch]] = [
            (kept[part.start : part.stop], take(columns, kept[part.start : part.stop]))
            for part in parts
        ]
        await self._store.run_chunks(
            "upsert",
            self._call,
            chunks,
            lambda d, call, batch: d.upsert(call, batch),
            atomic=atomic,
        )

    @asynccontextmanager
    async def bulk(self) -> AsyncGenerator[None]:
        """Bracket a large load: where the engine can, index work is put off until the end.

        Meanwhile searches answer as always, perhaps more slowly.
        """
        driver = await self._store.ready()
        async with driver.bulk(self._call):
            yield

    async def get(self, id: str, *, with_vector: bool = True) -> VectorRecord | None:
        """Return a record, or None if it is absent."""
        return (await self.get_many([id], with_vectors=with_vector))[0]

    async def get_many(
        self, ids: Iterable[str], *, with_vectors: bool = True
    ) -> list[VectorRecord | None]:
        """Return the record of each id, in order, None where it is absent."""
        asked = check_keys(ids, what="the id")
        distinct = list(dict.fromkeys(asked))
        found: list[VectorRecord | None] = []
        for part in await self._parts(distinct):
            found += await self._store.run(
                "get",
                self._call,
                lambda d, part=part: d.get_many(self._call, part, with_vectors=with_vectors),
            )
        by_id = dict(zip(distinct, found, strict=True))
        return [by_id[id_] for id_ in asked]

    async def search(
        self,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        min_score: float | None = None,
        exact: bool = False,
        ef: int | None = None,
        probes: int | None = None,
        with_vectors: bool = False,
    ) -> Hits:
        """Return the `k` records nearest to `vector`, best first, ties by id.

        Args:
            vector: Shape (dimensions,).
            k: How many; if so many match the filter, so many come back.
            filter: What the metadata (or `F.meta`) must hold.
            min_score: Leave out hits below this score (see `Hit.score`).
            exact: Compare every matching record instead of using an index.
            ef: HNSW: candidates to look at; more is slower and finds more.
            probes: IVFFlat: lists to look into; more is slower and finds more.
            with_vectors: Whether hits carry their vectors.

        Raises:
            InvalidRecord: The vector does not fit the store.
            InvalidFilter, UnsupportedError: The filter means nothing, or nothing here.
        """
        found = await self.search_many(
            np.asarray(vector, dtype=np.float32)[None, ...],
            k=k,
            filter=filter,
            min_score=min_score,
            exact=exact,
            ef=ef,
            probes=probes,
            with_vectors=with_vectors,
        )
        return found[0]

    async def search_many(
        self,
        vectors: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        min_score: float | None = None,
        exact: bool = False,
        ef: int | None = None,
        probes: int | None = None,
        with_vectors: bool = False,
    ) -> list[Hits]:
        """Search for every row of `vectors`, shape (queries, dimensions), as `search` does."""
        matrix = self._matrix(vectors, "the query vectors")
        _check_tuning(ef, probes)
        wanted = await self._search_filter(filter, k)
        if len(matrix) == 0:
            return []
        query = SearchQuery(matrix, k, wanted, min_score, exact, ef, probes, with_vectors)
        return await self._store.run("search", self._call, lambda d: d.search(self._call, query))

    async def search_text(
        self,
        text: str,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
    ) -> Hits:
        """Return the `k` records whose text has any word of `text`, by the engine's own rank.

        Raises:
            UnsupportedError: The backend has no text search.
        """
        check_text(text, what="the text to search for")
        driver = await self._store.ready()
        driver.capabilities.require(
            Feature.TEXT_SEARCH, backend=self.backend, store=self.name, operation="search_text"
        )
        query = TextQuery(text, k, await self._search_filter(filter, k))
        return await self._store.run(
            "search_text", self._call, lambda d: d.search_text(self._call, query)
        )

    async def hybrid(
        self,
        text: str,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        weights: tuple[float, float] = (1.0, 1.0),
        exact: bool = False,
    ) -> Hits:
        """Return the `k` best of vector and text search together, by reciprocal rank fusion.

        Args:
            text: What to search for in the texts.
            vector: What to search for among the vectors.
            k: How many.
            filter: What must hold for both.
            weights: Of the vector ranking and of the text ranking.
            exact: As in `search`.

        Raises:
            UnsupportedError: The backend has no text search.
        """
        limit = (await self._store.ready()).capabilities.limits.k
        depth = k * _FUSION_DEPTH if limit is None else min(k * _FUSION_DEPTH, max(limit, k))
        by_vector = self.search(vector, k=depth, filter=filter, exact=exact)
        by_text = self.search_text(text, k=depth, filter=filter)
        if self._call.session is None:
            # Both run to their end, so that the first error is raised as itself and alone.
            found = await asyncio.gather(by_vector, by_text, return_exceptions=True)
        else:
            found = [await by_vector, await by_text]
        rankings = [_or_raise(ranking) for ranking in found]
        return fuse(list(zip(rankings, weights, strict=True)), k)

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were.

        Raises:
            InvalidFilter: Neither or both are given, or the filter matches everything.
        """
        if (ids is None) == (filter is None):
            raise InvalidFilter("give either ids or a filter", hint="clear() deletes everything")
        if ids is None:
            wanted = refuse_empty(await self._filter(filter), backend=self.backend, store=self.name)
            return await self._store.run(
                "delete", self._call, lambda d: d.delete_where(self._call, wanted)
            )
        distinct = list(
            dict.fromkeys(check_keys([ids] if isinstance(ids, str) else ids, what="the id"))
        )
        parts = [(range(0), part) for part in await self._parts(distinct)]
        counts = await self._store.run_chunks(
            "delete", self._call, parts, lambda d, call, part: d.delete_many(call, part)
        )
        return sum(counts)

    async def update_metadata(self, patches: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Merge a patch (RFC 7396: null removes) into the metadata of each id.

        Vectors and texts stay. Returns the ids that are absent, in order; nothing is created.
        """
        ids = check_keys(patches, what="the id")
        values = [dict(patches[id_]) for id_ in ids]
        fields = self.spec.field_paths()
        for id_, patch in zip(ids, values, strict=True):
            encode_json(patch, what=f"the patch of {id_!r}")
            check_fields(patch, fields, id_)
        rows = (await self._store.ready()).capabilities.limits.batch_rows
        chunks: list[tuple[Sequence[int], range]] = [
            (part, part)
            for part in (range(i, min(i + rows, len(ids))) for i in range(0, len(ids), rows))
        ]
        present = await self._store.run_chunks(
            "update_metadata",
            self._call,
            chunks,
            lambda d, call, part: d.patch_metadata(call, pick(ids, part), pick(values, part)),
        )
        flags = [flag for part in present for flag in part]
        return [id_ for id_, there in zip(ids, flags, strict=True) if not there]

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many records match."""
        wanted = await self._filter(filter)
        if wanted is None:
            return await self._store.run("count", self._call, lambda d: d.count(self._call))
        return await self._store.run(
            "count", self._call, lambda d: d.count_where(self._call, wanted)
        )

    async def scan(
        self,
        filter: FilterLike | None = None,
        *,
        with_vectors: bool = False,
        batch: int = _READ_ROWS,
    ) -> AsyncIterator[VectorRecord]:
        """Yield every record that matches, reading `batch` at a time.

        By id where `ordered_scan` is declared. A record that is there all the while comes once.
        """
        wanted = await self._filter(filter)
        cursor: str | None = None
        while True:
            page = await self._store.run(
                "scan",
                self._call,
                lambda d, cursor=cursor: d.scan_page(
                    self._call, wanted, cursor, batch, with_vectors=with_vectors
                ),
            )
            for record in page.items:
                yield record
            cursor = page.cursor
            if cursor is None:
                return

    async def explain(
        self,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        exact: bool = False,
    ) -> Explanation:
        """Return how `search` with these arguments would be carried out."""
        matrix = self._matrix(np.asarray(vector, dtype=np.float32)[None, ...], "the query vector")
        query = SearchQuery(matrix, k, await self._search_filter(filter, k), exact=exact)
        return await self._store.run("explain", self._call, lambda d: d.explain(self._call, query))

    async def _filter(self, filter_: FilterLike | None) -> Filter | None:
        capabilities = (await self._store.ready()).capabilities
        return checked_filter(filter_, capabilities, backend=self.backend, store=self.name)

    async def _search_filter(self, filter_: FilterLike | None, k: int) -> Filter | None:
        capabilities = (await self._store.ready()).capabilities
        if k < 1:
            raise InvalidRecord(f"k must be at least 1, not {k}")
        if capabilities.limits.k is not None and k > capabilities.limits.k:
            raise LimitExceeded(
                f"k={k} is more than {capabilities.limits.k}",
                backend=self.backend,
                store=self.name,
                hint="Ask for fewer, or scan()",
            )
        wanted = await self._filter(filter_)
        if wanted is not None:
            capabilities.require(
                Feature.FILTER, backend=self.backend, store=self.name, operation="a filter"
            )
        return wanted

    def _matrix(self, vectors: ArrayLike, what: str) -> NDArray[np.float32]:
        spec = self.spec
        return as_matrix(vectors, dimensions=spec.dimensions, metric=spec.metric, what=what)

    async def _parts(self, ids: list[str]) -> list[list[str]]:
        rows = (await self._store.ready()).capabilities.limits.batch_rows
        return [ids[i : i + rows] for i in range(0, len(ids), rows)]


def _or_raise(ranking: Hits | BaseException) -> Hits:
    if isinstance(ranking, BaseException):
        raise ranking
    return ranking


def _check_tuning(ef: int | None, probes: int | None) -> None:
    for name, value in (("ef", ef), ("probes", probes)):
        if value is not None and value < 1:
            raise InvalidRecord(f"{name} must be at least 1, not {value}")
