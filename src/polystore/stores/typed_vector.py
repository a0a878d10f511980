"""Vector stores whose metadata are pydantic models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from polystore.stores.typed import M, to_data, to_model
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from polystore.stores.filtering import FilterLike
    from polystore.stores.vector import VectorStore
    from polystore.types.records import Hits


@dataclass(slots=True, eq=False)
class TypedRecord(Generic[M]):
    """A vector with its text, and metadata as a model; `vector` as in VectorRecord."""

    id: str
    vector: Any
    metadata: M
    text: str | None = None
    version: int = 0


@dataclass(slots=True, eq=False)
class TypedHit(Generic[M]):
    """One answer of a search, with metadata as a model; score and distance as in Hit."""

    id: str
    score: float
    metadata: M
    text: str | None
    distance: float | None


class TypedVectorStore(Generic[M]):
    """A vector store whose metadata are instances of one pydantic model.

    Attributes:
        untyped: The same store without the model, for everything that is not here.
        model: The model.
    """

    def __init__(self, untyped: VectorStore, model: type[M]) -> None:
        self.untyped = untyped
        self.model = model

    async def upsert(self, records: Iterable[TypedRecord[M]], *, atomic: bool = False) -> None:
        """Store records, each replaced whole; see `VectorStore.upsert`."""
        rows = [
            VectorRecord(
                record.id,
                record.vector,
                record.text,
                to_data(self.model, record.metadata, what=f"the metadata of {record.id!r}"),
            )
            for record in records
        ]
        await self.untyped.upsert(rows, atomic=atomic)

    async def get(self, id: str, *, with_vector: bool = True) -> TypedRecord[M] | None:
        """Return a record, or None if it is absent."""
        record = await self.untyped.get(id, with_vector=with_vector)
        if record is None:
            return None
        metadata = self._metadata(record.id, record.metadata)
        return TypedRecord(record.id, record.vector, metadata, record.text, record.version)

    async def search(
        self,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        min_score: float | None = None,
        exact: bool = False,
    ) -> list[TypedHit[M]]:
        """Return the `k` records nearest to `vector`; see `VectorStore.search`."""
        hits = await self.untyped.search(
            vector, k=k, filter=filter, min_score=min_score, exact=exact
        )
        return self._hits(hits)

    async def search_text(
        self, text: str, *, k: int = 10, filter: FilterLike | None = None
    ) -> list[TypedHit[M]]:
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
    ) -> list[TypedHit[M]]:
        """Return the `k` best of vector and text search together; see `VectorStore.hybrid`."""
        return self._hits(
            await self.untyped.hybrid(text, vector, k=k, filter=filter, weights=weights)
        )

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were."""
        return await self.untyped.delete(ids, filter=filter)

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many records match."""
        return await self.untyped.count(filter)

    def _hits(self, hits: Hits) -> list[TypedHit[M]]:
        return [
            TypedHit(
                hit.id, hit.score, self._metadata(hit.id, hit.metadata), hit.text, hit.distance
            )
            for hit in hits
        ]

    def _metadata(self, id_: str, metadata: dict[str, Any]) -> M:
        return to_model(self.model, metadata, what=f"the metadata of {id_!r}")
