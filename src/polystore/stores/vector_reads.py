"""Vector stores: what the handle reads."""

from __future__ import annotations

import asyncio
import math
from numbers import Real
from typing import TYPE_CHECKING, cast

import numpy as np
from typing_extensions import override

from polystore.capabilities import Feature
from polystore.errors import InvalidRecord, LimitExceeded
from polystore.specs import VectorSpec
from polystore.stores.fusion import fuse
from polystore.stores.handle import Handle
from polystore.stores.queries import SearchQuery, TextQuery
from polystore.stores.vector_driver import VectorDriver
from polystore.stores.vector_input import as_matrix
from polystore.types.json_domain import check_text
from polystore.types.names import check_key, check_keys
from polystore.types.numbers import MAX_COUNT, check_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from polystore.filters import Filter
    from polystore.stores.filtering import FilterLike
    from polystore.types.records import Hits, VectorRecord
    from polystore.types.reports import Explanation

_READ_ROWS = 500
_FUSION_DEPTH = 4
"""Hybrid search fuses rankings of k times so many, so that agreement below the top counts."""


class VectorReads(Handle[VectorDriver]):
    """The reading half of `VectorStore`."""

    __slots__ = ()

    @property
    @override
    def spec(self) -> VectorSpec:
        """What was declared."""
        spec = self._store.spec
        if not isinstance(spec, VectorSpec):
            raise TypeError(f"store {spec.name} is no vector store")
        return spec

    async def get(self, id: str, *, with_vector: bool = True) -> VectorRecord | None:
        """Return a record, or None if it is absent."""
        return await self._read_one(
            "get+vector" if with_vector else "get",
            check_key(id, what="the id"),
            lambda d, call, ids: d.get_many(call, ids, with_vectors=with_vector),
        )

    async def get_many(
        self, ids: Iterable[str], *, with_vectors: bool = True
    ) -> list[VectorRecord | None]:
        """Return the record of each id, in order, None where it is absent."""
        return await self._read_each(
            "get",
            check_keys(ids, what="the id"),
            lambda d, part: d.get_many(self._call, part, with_vectors=with_vectors),
        )

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
        matrix = self._matrix(_one_row(vector), "the query vector")
        _check_tuning(min_score, ef, probes)
        wanted = await self._search_filter(filter, k)
        query = SearchQuery(matrix, k, wanted, min_score, exact, ef, probes, with_vectors)
        return (await self._searched(query))[0]

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
        _check_tuning(min_score, ef, probes)
        wanted = await self._search_filter(filter, k)
        if len(matrix) == 0:
            return []
        query = SearchQuery(matrix, k, wanted, min_score, exact, ef, probes, with_vectors)
        return await self._searched(query)

    async def _searched(self, query: SearchQuery) -> list[Hits]:
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
            weights: Of the vector ranking and of the text ranking; never negative.
            exact: As in `search`.

        Raises:
            UnsupportedError: The backend has no text search.
            InvalidRecord: The vector, k or the weights mean nothing.
        """
        _check_weights(weights)
        check_count(k, "k")
        limit = (await self._store.ready()).capabilities.limits.k or MAX_COUNT
        depth = min(k * _FUSION_DEPTH, max(limit, k))
        by_vector = self.search(vector, k=depth, filter=filter, exact=exact)
        by_text = self.search_text(text, k=depth, filter=filter)
        if self._call.session is None:
            # Both run to their end, so that the first error is raised as itself and alone.
            found = await asyncio.gather(by_vector, by_text, return_exceptions=True)
        else:
            found = [await by_vector, await by_text]
        rankings = [_or_raise(ranking) for ranking in found]
        return fuse(list(zip(rankings, weights, strict=True)), k)

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
        check_count(batch, "batch")
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
        matrix = self._matrix(_one_row(vector), "the query vector")
        query = SearchQuery(matrix, k, await self._search_filter(filter, k), exact=exact)
        return await self._store.run("explain", self._call, lambda d: d.explain(self._call, query))

    async def _search_filter(self, filter_: FilterLike | None, k: int) -> Filter | None:
        capabilities = (await self._store.ready()).capabilities
        check_count(k, "k")
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

    def _matrix(self, vectors: object, what: str) -> NDArray[np.float32]:
        spec = self.spec
        return as_matrix(vectors, dimensions=spec.dimensions, metric=spec.metric, what=what)


def _one_row(vector: object) -> object:
    """Return a matrix with one row; of an array it is a view."""
    if isinstance(vector, np.ndarray):
        return cast("NDArray[np.float32]", vector)[np.newaxis]
    return [vector]


def _or_raise(ranking: Hits | BaseException) -> Hits:
    if isinstance(ranking, BaseException):
        raise ranking
    return ranking


def _check_score(score: object) -> None:
    if isinstance(score, bool) or not isinstance(score, Real) or math.isnan(score):
        raise InvalidRecord(f"min_score must be a number, not {score!r}", hint="Or leave it out")


def _check_weights(weights: Sequence[float]) -> None:
    usable = [weight for weight in weights if math.isfinite(weight) and weight >= 0]
    if not len(usable) == len(weights) == 2 or not any(usable):  # noqa: PLR2004
        raise InvalidRecord(
            f"the weights {weights!r} are no two numbers from 0 on, one of them above it"
        )


def _check_tuning(min_score: float | None, ef: int | None, probes: int | None) -> None:
    if min_score is not None:
        _check_score(min_score)
    for name, value in (("ef", ef), ("probes", probes)):
        if value is not None:
            check_count(value, name)
