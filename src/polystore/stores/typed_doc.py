"""Document stores whose documents are pydantic models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self

from typing_extensions import override

from polystore.stores.columns import columns_of
from polystore.stores.typed import M, check_model, plain, to_data, to_merged, to_model
from polystore.types.records import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from datetime import datetime

    from polystore.filters import Path
    from polystore.stores.doc import DocStore, SortLike
    from polystore.stores.filtering import FilterLike
    from polystore.types.call import Consistency
    from polystore.types.records import Document, FieldCount

_READ_ROWS = 500


@dataclass(slots=True)
class TypedDocument(Generic[M]):
    """A document as a model, with its system fields."""

    id: str
    data: M
    version: int
    created_at: datetime | None
    updated_at: datetime | None


class TypedDocStore(Generic[M]):
    """A document store whose documents are instances of one pydantic model.

    What is written is validated before any I/O (InvalidRecord); what is read is validated too
    (SchemaMismatch), so that a document that was written otherwise is noticed and not guessed at.
    Filters, sorts and counts name fields as they are stored: by alias. What is not here, `untyped`
    has.

    Raises:
        ConfigError: The model does not read its fields under the names that it writes.
    """

    __slots__ = ("_model", "_untyped")

    def __init__(self, untyped: DocStore, model: type[M]) -> None:
        check_model(model)
        self._untyped = untyped
        self._model = model

    @override
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.model.__name__} in {self.untyped!r}>"

    @property
    def untyped(self) -> DocStore:
        """The same store without the model."""
        return self._untyped

    @property
    def model(self) -> type[M]:
        """What documents are."""
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

    async def put(self, id: str, data: M) -> None:
        """Store `data` under `id`, replacing the whole document."""
        await self.untyped.put(id, self._data(id, data))

    async def put_many(
        self,
        items: Mapping[str, M] | Iterable[tuple[str, M]],
        *,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store many documents, each replaced whole; see `DocStore.put_many`."""
        ids, models = columns_of(items)
        rows = [self._data(ids[row], model) for row, model in enumerate(models)]
        await self.untyped.put_many(zip(ids, rows, strict=True), atomic=atomic, parallel=parallel)

    async def put_if_absent(self, id: str, data: M) -> bool:
        """Store `data` if `id` is absent; return whether it was stored."""
        return await self.untyped.put_if_absent(id, self._data(id, data))

    async def compare_and_set(self, id: str, data: M, version: int) -> int:
        """Store `data` if the document still has `version`; see `DocStore.compare_and_set`."""
        return await self.untyped.compare_and_set(id, self._data(id, data), version)

    async def patch(
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
        what = f"document {id!r}"
        document = await self.untyped.patch(
            id,
            plain(changes, what=f"the changes to {id!r}"),
            version=version,
            check=lambda merged: to_merged(self.model, merged, what=what),
        )
        return None if document is None else self._document(document)

    async def get(self, id: str) -> M | None:
        """Return a document, or None if it is absent."""
        document = await self.get_document(id)
        return None if document is None else document.data

    async def get_document(self, id: str) -> TypedDocument[M] | None:
        """Return a document with its version and times, or None if it is absent."""
        document = await self.untyped.get_document(id)
        return None if document is None else self._document(document)

    async def get_many(self, ids: Iterable[str]) -> list[TypedDocument[M] | None]:
        """Return the document of each id, in order, None where it is absent."""
        found = await self.untyped.get_many(ids)
        return [None if document is None else self._document(document) for document in found]

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were."""
        return await self.untyped.delete(ids, filter=filter)

    async def find(
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
        page = await self.untyped.find(
            filter, sort=sort, limit=limit, cursor=cursor, offset=offset, total=total
        )
        return Page([self._document(item) for item in page.items], page.cursor, page.total)

    async def scan(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        batch: int = _READ_ROWS,
    ) -> AsyncIterator[TypedDocument[M]]:
        """Yield every document that matches, reading `batch` at a time, in order of `sort`, id."""
        async for document in self.untyped.scan(filter, sort=sort, batch=batch):
            yield self._document(document)

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        return await self.untyped.count(filter)

    async def count_by(
        self, field: str | Path, filter: FilterLike | None = None
    ) -> list[FieldCount]:
        """Return each scalar value of `field` and in how many documents it stands, in order."""
        return await self.untyped.count_by(field, filter)

    def _data(self, id_: str, data: M) -> dict[str, Any]:
        return to_data(self.model, data, what=f"document {id_!r}")

    def _document(self, document: Document) -> TypedDocument[M]:
        return TypedDocument(
            document.id,
            to_model(self.model, document.data, what=f"document {document.id!r}"),
            document.version,
            document.created_at,
            document.updated_at,
        )
