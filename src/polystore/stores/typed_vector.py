"""Vector stores whose metadata are pydantic models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self

from typing_extensions import override

from polystore.stores.typed import M, check_model, to_data, to_model
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from datetime import datetime

    from numpy import float32
    from numpy.typing import ArrayLike, NDArray

    from polystore.stores.filtering import FilterLike
    from polystore.stores.vector import VectorStore
    from polystore.types.call import Consistency
    from polystore.types.records import Hit, Hits

_READ_ROWS = 500


@dataclass(slots=True, eq=False)
class TypedRecord(Generic[M]):
    """A vector with its text, and metadata as a model; the fields as in VectorRecord."""

    id: str
    vector: NDArray[float32] | Sequence[float] | None
    metadata: M
    text: str | None = None
    version: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(slots=True, eq=False)
class TypedHit(Generic[M]):
    """One answer of a search, with metadata as a model; the fields as in Hit."""

    id: str
    score: float
    metadata: M
    distance: float | None = None
    text: str | None = None
    vector: NDArray[float32] | None = None


class TypedHits(list[TypedHit[M]], Generic[M]):
    """Hits, best first, ties by id; `exact` and `plan` as in Hits."""

    __slots__ = ("exact", "plan")

    def __init__(self, hits: Iterable[TypedHit[M]] = (), *, exact: bool, plan: str) -> None:
        super().__init__(hits)
        self.exact = exact
        self.plan = plan


class TypedVectorStore(Generic[M]):
    """A vector store whose metadata are instances of one pydantic model.

    What is written is validated before any I/O (InvalidRecord); what is read is validated too
    (SchemaMismatch). Filters name fields as they are stored: by alias. What is not here, `untyped`
    has: `update_metadata`, for one, merges where the data are, so that no model can see the result
    before it is stored.

    Raises:
        ConfigError: The model does not read its fields under the names that it writes.
    """

    __slots__ = ("_model", "_untyped")

    def __init__(self, untyped: VectorStore, model: type[M]) -> None:
        check_model(model)
        self._untyped = untyped
        self._model = model

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__} in {self.untyped!r}>"

    @property
    def untyped(self) -> VectorStore:
        """The same store without the model."""
        return self._untyped

    @property
    def model(self) -> type[M]:
        """What metadata are."""
        return self._model

    def with_options(
        self, *, timeout: float | None = None, consistency: Consistency | None = None
    ) -> Self:
        """Return the same store with another deadline (seconds) or freshness of reads.

        Raises:
            InvalidRecord: The deadline is not positive, or the freshness is none that there is.
        """
        options = self.untyped.with_options(timeout=timeout, consistency=consistency)
        return type(self)(options, self.model)

    async def upsert(
        self, records: Iterable[TypedRecord[M]], *, atomic: bool = False, parallel: int = 1
    ) -> None:
        """Store records, each replaced whole; see `VectorStore.upsert`."""
        rows = [
            VectorRecord(
                record.id,
                record.vector,
                record.text,
                to_data(self.model, record.metadata, what=_what(record.id)),
            )
            for record in records
        ]
        await self.untyped.upsert(rows, atomic=atomic, parallel=parallel)

    async def get(self, id: str, *, with_vector: bool = True) -> TypedRecord[M] | None:
        """Return a record, or None if it is absent."""
        record = await self.untyped.get(id, with_vector=with_vector)
        return None if record is None else self._record(record)

    async def get_many(
        self, ids: Iterable[str], *, with_vectors: bool = True
    ) -> list[TypedRecord[M] | None]:
        """Return the record of each id, in order, None where it is absent."""
        found = await self.untyped.get_many(ids, with_vectors=with_vectors)
        return [None if record is None else self._record(record) for record in found]

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
    ) -> TypedHits[M]:
        """Return the `k` records nearest to `vector`; see `VectorStore.search`."""
        return self._hits(
            await self.untyped.search(
                vector,
                k=k,
                filter=filter,
                min_score=min_score,
                exact=exact,
                ef=ef,
                probes=probes,
                with_vectors=with_vectors,
            )
        )

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
    ) -> list[TypedHits[M]]:
        """Search for every row of `vectors`, shape (queries, dimensions), as `search` does."""
        answers = await self.untyped.search_many(
            vectors,
            k=k,
            filter=filter,
            min_score=min_score,
            exact=exact,
            ef=ef,
            probes=probes,
            with_vectors=with_vectors,
        )
        return [self._hits(hits) for hits in answers]

    async def search_text(
        self, text: str, *, k: int = 10, filter: FilterLike | None = None
    ) -> TypedHits[M]:
        """Return the `k` records whose text has any word of `text`."""
        return self._hits(await self.untyped.search_text(text, k=k, filter=filter))

    async def hybrid(
        self,
        text: str,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        weights: tuple[float, float] = (1.0, 1.0),
        exact: bool = False,
    ) -> TypedHits[M]:
        """Return the `k` best of vector and text search together; see `VectorStore.hybrid`."""
        return self._hits(
            await self.untyped.hybrid(
                text, vector, k=k, filter=filter, weights=weights, exact=exact
            )
        )

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were."""
        return await self.untyped.delete(ids, filter=filter)

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many records match."""
        return await self.untyped.count(filter)

    async def scan(
        self,
        filter: FilterLike | None = None,
        *,
        with_vectors: bool = False,
        batch: int = _READ_ROWS,
    ) -> AsyncIterator[TypedRecord[M]]:
        """Yield every record that matches, reading `batch` at a time; see `VectorStore.scan`."""
        async for record in self.untyped.scan(filter, with_vectors=with_vectors, batch=batch):
            yield self._record(record)

    def _record(self, record: VectorRecord) -> TypedRecord[M]:
        return TypedRecord(
            record.id,
            record.vector,
            to_model(self.model, record.metadata, what=_what(record.id)),
            record.text,
            record.version,
            record.created_at,
            record.updated_at,
        )

    def _hits(self, hits: Hits) -> TypedHits[M]:
        return TypedHits(map(self._hit, hits), exact=hits.exact, plan=hits.plan)

    def _hit(self, hit: Hit) -> TypedHit[M]:
        metadata = to_model(self.model, hit.metadata, what=_what(hit.id))
        return TypedHit(hit.id, hit.score, metadata, hit.distance, hit.text, hit.vector)


def _what(id_: str) -> str:
    return f"the metadata of {id_!r}"
