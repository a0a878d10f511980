"""Vector stores: the handle that users hold.

For synchronous callers: generated from polystore.stores.vector by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.stores.vector import VectorStore as AsyncVectorStore
from polystore.sync.generated.handle import Handle
from polystore.sync.portal import settled

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import ArrayLike

    from polystore.specs import VectorSpec
    from polystore.stores.filtering import FilterLike
    from polystore.types.records import Hits, VectorRecord
    from polystore.types.reports import Explanation


class VectorStore(Handle[AsyncVectorStore]):
    """Ids to a float32 vector, a text and metadata; found by nearness, by text and by filters."""

    @property
    @override
    def spec(self) -> VectorSpec:
        """What was declared."""
        return self._wrapped.spec

    def get(self, id: str, *, with_vector: bool = True) -> VectorRecord | None:
        """Return a record, or None if it is absent."""
        return self._portal.call(self._wrapped.get, id, with_vector=with_vector)

    def get_many(
        self, ids: Iterable[str], *, with_vectors: bool = True
    ) -> list[VectorRecord | None]:
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
    ) -> list[Hits]:
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

    def search_text(self, text: str, *, k: int = 10, filter: FilterLike | None = None) -> Hits:
        """Return the `k` records whose text has any word of `text`, by the engine's own rank.

        Raises:
            UnsupportedError: The backend has no text search.
        """
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
        return self._portal.call(
            self._wrapped.hybrid, text, vector, k=k, filter=filter, weights=weights, exact=exact
        )

    def count(self, filter: FilterLike | None = None) -> int:
        """Return how many records match."""
        return self._portal.call(self._wrapped.count, filter)

    def scan(
        self, filter: FilterLike | None = None, *, with_vectors: bool = False, batch: int = 500
    ) -> Generator[VectorRecord]:
        """Yield every record that matches, reading `batch` at a time.

        By id where `ordered_scan` is declared. A record that is there all the while comes once.
        """
        return self._portal.iterate(
            self._wrapped.scan(filter, with_vectors=with_vectors, batch=batch), batch
        )

    def explain(
        self,
        vector: ArrayLike,
        *,
        k: int = 10,
        filter: FilterLike | None = None,
        exact: bool = False,
    ) -> Explanation:
        """Return how `search` with these arguments would be carried out."""
        return self._portal.call(self._wrapped.explain, vector, k=k, filter=filter, exact=exact)

    def upsert(
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
        return self._portal.call(
            self._wrapped.upsert, settled(records), atomic=atomic, parallel=parallel
        )

    def upsert_arrays(
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
        return self._portal.call(
            self._wrapped.upsert_arrays,
            ids,
            vectors,
            texts=texts,
            metadata=metadata,
            atomic=atomic,
            parallel=parallel,
        )

    def bulk(self) -> AbstractContextManager[None]:
        """Bracket a large load: where the engine can, index work is put off until the end.

        Meanwhile searches answer as always, perhaps more slowly.
        """
        return self._portal.manage(self._wrapped.bulk())

    def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were.

        Raises:
            InvalidFilter: Neither or both are given, or the filter matches everything.
        """
        return self._portal.call(self._wrapped.delete, settled(ids), filter=filter)

    def update_metadata(self, patches: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Merge a patch (RFC 7396: null removes) into the metadata of each id.

        Vectors and texts stay. Returns the ids that are absent, in order; nothing is created.
        """
        return self._portal.call(self._wrapped.update_metadata, patches)
