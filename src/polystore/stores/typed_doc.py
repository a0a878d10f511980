"""Document stores whose documents are pydantic models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from polystore.stores.columns import pairs_of
from polystore.stores.typed import M, to_data, to_model
from polystore.types.records import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from datetime import datetime

    from polystore.filters import Path
    from polystore.stores.doc import DocStore, SortLike
    from polystore.stores.filtering import FilterLike
    from polystore.types.records import Document, FieldCount


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
    Filters, sorts and counts name fields as they are stored: by alias.

    Attributes:
        untyped: The same store without the model.
        model: The model.
    """

    def __init__(self, untyped: DocStore, model: type[M]) -> None:
        self.untyped = untyped
        self.model = model

    async def put(self, id: str, data: M) -> None:
        """Store `data` under `id`, replacing the whole document."""
        await self.untyped.put(id, self._data(id, data))

    async def put_many(
        self, items: Mapping[str, M] | Iterable[tuple[str, M]], *, atomic: bool = False
    ) -> None:
        """Store many documents, each replaced whole; see `DocStore.put_many`."""
        rows = [(id_, self._data(id_, data)) for id_, data in pairs_of(items)]
        await self.untyped.put_many(rows, atomic=atomic)

    async def put_if_absent(self, id: str, data: M) -> bool:
        """Store `data` if `id` is absent; return whether it was stored."""
        return await self.untyped.put_if_absent(id, self._data(id, data))

    async def compare_and_set(self, id: str, data: M, version: int) -> int:
        """Store `data` if the document still has `version`; see `DocStore.compare_and_set`."""
        return await self.untyped.compare_and_set(id, self._data(id, data), version)

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
        self, filter: FilterLike | None = None, *, sort: SortLike | Sequence[SortLike] = ()
    ) -> AsyncIterator[TypedDocument[M]]:
        """Yield every document that matches, in order; see `DocStore.scan`."""
        async for document in self.untyped.scan(filter, sort=sort):
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
