"""Vector stores whose metadata are pydantic models.

For synchronous callers: generated from polystore.stores.typed_vector by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from polystore.stores.typed import M
from polystore.stores.typed_vector import TypedHits, TypedRecord
from polystore.stores.typed_vector import TypedVectorStore as AsyncTypedVectorStore
from polystore.sync.generated.vector import VectorStore
from polystore.sync.portal import settled
from polystore.sync.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from numpy.typing import ArrayLike

    from polystore.stores.filtering import FilterLike
    from polystore.types.call import Consistency


class TypedVectorStore(Wrapper[AsyncTypedVectorStore[M]]):
    """A vector store whose metadata are instances of one pydantic model.

    What is written is validated before any I/O (InvalidRecord); what is read is validated too
    (SchemaMismatch). Filters name fields as they are stored: by alias. What is not here, `untyped`
    has: `update_metadata`, for one, merges where the data are, so that no model can see the result
    before it is stored.

    Raises:
        ConfigError: The model does not read its fields under the names that it writes.
    """

    @property
    def untyped(self) -> VectorStore:
        """The same store without the model."""
        return VectorStore(self._portal, self._wrapped.untyped)

    @property
    def model(self) -> type[M]:
        """What metadata are."""
        return self._wrapped.model

    def with_options(
        self, *, timeout: float | None = None, consistency: Consistency | None = None
    ) -> Self:
        """Return the same store with another deadline (seconds) or freshness of reads.

        Raises:
            InvalidRecord: The deadline is not positive, or the freshness is none that there is.
        """
        return type(self)(
            self._portal, self._wrapped.with_options(timeout=timeout, consistency=consistency)
        )

    def upsert(
        self, records: Iterable[TypedRecord[M]], *, atomic: bool = False, parallel: int = 1
    ) -> None:
        """Store records, each replaced whole; see `VectorStore.upsert`."""
        return self._portal.call(
            self._wrapped.upsert, settled(records), atomic=atomic, parallel=parallel
        )

    def get(self, id: str, *, with_vector: bool = True) -> TypedRecord[M] | None:
        """Return a record, or None if it is absent."""
        return self._portal.call(self._wrapped.get, id, with_vector=with_vector)

    def get_many(
        self, ids: Iterable[str], *, with_vectors: bool = True
    ) -> list[TypedRecord[M] | None]:
        """Return the record of each id, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_many, settled(ids), with_vectors=with_vectors)

    def search(
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
        return self._portal.call(
            self._wrapped.search,
            vector,
            k=k,
            filter=filter,
            min_score=min_score,
            exact=exact,
            ef=ef,
            probes=probes,
            with_vectors=with_vectors,
        )

    def search_many(
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
        return self._portal.call(
            self._wrapped.search_many,
            vectors,
            k=k,
            filter=filter,
            min_score=min_score,
            exact=exact,
            ef=ef,
            probes=probes,
            with_vectors=with_vectors,
        )

    def search_text(
        self, text: str, *, k: int = 10, filter: FilterLike | None = None
    ) -> TypedHits[M]:
        """Return the `k` records whose text has any word of `text`."""
        return self._portal.call(self._wrapped.search_text, text, k=k, filter=filter)

    def hybrid(
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
        return self._portal.call(
            self._wrapped.hybrid, text, vector, k=k, filter=filter, weights=weights, exact=exact
        )

    def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were."""
        return self._portal.call(self._wrapped.delete, settled(ids), filter=filter)

    def count(self, filter: FilterLike | None = None) -> int:
        """Return how many records match."""
        return self._portal.call(self._wrapped.count, filter)

    def scan(
        self, filter: FilterLike | None = None, *, with_vectors: bool = False, batch: int = 500
    ) -> Generator[TypedRecord[M]]:
        """Yield every record that matches, reading `batch` at a time; see `VectorStore.scan`."""
        return self._portal.iterate(
            self._wrapped.scan(filter, with_vectors=with_vectors, batch=batch), batch
        )
