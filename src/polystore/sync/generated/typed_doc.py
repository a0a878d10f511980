"""Document stores whose documents are pydantic models.

For synchronous callers: generated from polystore.stores.typed_doc by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from polystore.stores.typed import M
from polystore.stores.typed_doc import TypedDocStore as AsyncTypedDocStore
from polystore.stores.typed_doc import TypedDocument
from polystore.sync.generated.doc import DocStore
from polystore.sync.portal import settled
from polystore.sync.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from polystore.filters import Path
    from polystore.stores.doc import SortLike
    from polystore.stores.filtering import FilterLike
    from polystore.types.call import Consistency
    from polystore.types.records import FieldCount, Page


class TypedDocStore(Wrapper[AsyncTypedDocStore[M]]):
    """A document store whose documents are instances of one pydantic model.

    What is written is validated before any I/O (InvalidRecord); what is read is validated too
    (SchemaMismatch), so that a document that was written otherwise is noticed and not guessed at.
    Filters, sorts and counts name fields as they are stored: by alias. What is not here, `untyped`
    has.

    Raises:
        ConfigError: The model does not read its fields under the names that it writes.
    """

    @property
    def untyped(self) -> DocStore:
        """The same store without the model."""
        return DocStore(self._portal, self._wrapped.untyped)

    @property
    def model(self) -> type[M]:
        """What documents are."""
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

    def put(self, id: str, data: M) -> None:
        """Store `data` under `id`, replacing the whole document."""
        return self._portal.call(self._wrapped.put, id, data)

    def put_many(
        self,
        items: Mapping[str, M] | Iterable[tuple[str, M]],
        *,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store many documents, each replaced whole; see `DocStore.put_many`."""
        return self._portal.call(
            self._wrapped.put_many, settled(items), atomic=atomic, parallel=parallel
        )

    def put_if_absent(self, id: str, data: M) -> bool:
        """Store `data` if `id` is absent; return whether it was stored."""
        return self._portal.call(self._wrapped.put_if_absent, id, data)

    def compare_and_set(self, id: str, data: M, version: int) -> int:
        """Store `data` if the document still has `version`; see `DocStore.compare_and_set`."""
        return self._portal.call(self._wrapped.compare_and_set, id, data, version)

    def patch(
        self, id: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> TypedDocument[M] | None:
        """Merge `changes` (RFC 7396: None removes) into the document and return it.

        What is stored is what getting, changing and putting the model would store: fields that the
        model lets pass without keeping them are left out.

        Args:
            id: Which document.
            changes: What to merge, by alias; values may be whatever the model writes.
            version: If given, the document must still have it.

        Returns:
            The document as it is now, or None if there is none.

        Raises:
            InvalidRecord: The merged document does not fit the model; nothing is stored.
            Conflict: It has another version, or others kept changing it meanwhile.
        """
        return self._portal.call(self._wrapped.patch, id, changes, version=version)

    def get(self, id: str) -> M | None:
        """Return a document, or None if it is absent."""
        return self._portal.call(self._wrapped.get, id)

    def get_document(self, id: str) -> TypedDocument[M] | None:
        """Return a document with its version and times, or None if it is absent."""
        return self._portal.call(self._wrapped.get_document, id)

    def get_many(self, ids: Iterable[str]) -> list[TypedDocument[M] | None]:
        """Return the document of each id, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_many, settled(ids))

    def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were."""
        return self._portal.call(self._wrapped.delete, settled(ids), filter=filter)

    def find(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        limit: int = 100,
        cursor: str | None = None,
        offset: int = 0,
        total: bool = False,
    ) -> Page[TypedDocument[M]]:
        """Return a page of the documents that match; see `DocStore.find`."""
        return self._portal.call(
            self._wrapped.find,
            filter,
            sort=sort,
            limit=limit,
            cursor=cursor,
            offset=offset,
            total=total,
        )

    def scan(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        batch: int = 500,
    ) -> Generator[TypedDocument[M]]:
        """Yield every document that matches, reading `batch` at a time, in order of `sort`, id."""
        return self._portal.iterate(self._wrapped.scan(filter, sort=sort, batch=batch), batch)

    def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        return self._portal.call(self._wrapped.count, filter)

    def count_by(self, field: str | Path, filter: FilterLike | None = None) -> list[FieldCount]:
        """Return each scalar value of `field` and in how many documents it stands, in order."""
        return self._portal.call(self._wrapped.count_by, field, filter)
