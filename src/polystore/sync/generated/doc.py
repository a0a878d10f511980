"""Document stores: the handle that users hold.

For synchronous callers: generated from polystore.stores.doc by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.stores.doc import DocStore as AsyncDocStore
from polystore.stores.doc import SortLike
from polystore.sync.generated.handle import Handle
from polystore.sync.portal import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from polystore.filters import Path
    from polystore.stores.filtering import FilterLike
    from polystore.types.records import Document, FieldCount, Page
    from polystore.types.reports import Explanation


class DocStore(Handle[AsyncDocStore]):
    """Ids to JSON objects, found by filters, in pages, with optimistic concurrency."""

    def put(self, id: str, data: Mapping[str, Any]) -> None:
        """Store `data` under `id`, replacing the whole document.

        Raises:
            InvalidRecord: Id or data lie outside what every engine can store.
        """
        return self._portal.call(self._wrapped.put, id, data)

    def put_many(
        self,
        items: Mapping[str, Mapping[str, Any]] | Iterable[tuple[str, Mapping[str, Any]]],
        *,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store many documents, each replaced whole; of equal ids the last wins.

        Args:
            items: A mapping, or pairs of id and data.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        return self._portal.call(
            self._wrapped.put_many, settled(items), atomic=atomic, parallel=parallel
        )

    def put_if_absent(self, id: str, data: Mapping[str, Any]) -> bool:
        """Store `data` if `id` is absent; return whether it was stored.

        Raises:
            OutcomeUnknown: The connection broke before the answer came.
        """
        return self._portal.call(self._wrapped.put_if_absent, id, data)

    def compare_and_set(self, id: str, data: Mapping[str, Any], version: int) -> int:
        """Store `data` if the document still has `version` (0: absent); return the new version.

        Raises:
            Conflict: The document has another version, or is absent.
            OutcomeUnknown: The connection broke before the answer came.
        """
        return self._portal.call(self._wrapped.compare_and_set, id, data, version)

    def patch(
        self,
        id: str,
        changes: Mapping[str, Any],
        *,
        version: int | None = None,
        check: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
    ) -> Document | None:
        """Merge `changes` into the document (RFC 7396: null removes) and return it.

        Args:
            id: Which document.
            changes: What to merge.
            version: If given, the document must still have it.
            check: Gets the merged document and returns what is stored; if it raises, nothing is.

        Returns:
            The document as it is now, or None if there is none.

        Raises:
            Conflict: It has another version, or others kept changing it meanwhile.
            OutcomeUnknown: The connection broke before the answer came.
        """
        return self._portal.call(self._wrapped.patch, id, changes, version=version, check=check)

    def get(self, id: str) -> dict[str, Any] | None:
        """Return the data of a document, or None if it is absent."""
        return self._portal.call(self._wrapped.get, id)

    def get_document(self, id: str) -> Document | None:
        """Return a document with its version and times, or None if it is absent."""
        return self._portal.call(self._wrapped.get_document, id)

    def get_many(self, ids: Iterable[str]) -> list[Document | None]:
        """Return the document of each id, in order, None where it is absent."""
        return self._portal.call(self._wrapped.get_many, settled(ids))

    def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were.

        Raises:
            InvalidFilter: Neither or both are given, or the filter matches everything.
        """
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
    ) -> Page[Document]:
        """Return a page of the documents that match.

        Args:
            filter: What must hold; None for all.
            sort: Fields; missing < null < false < true < numbers < strings < containers. Ties are
                by id ascending. Strings order by their first 500 bytes.
            limit: Documents per page, at least 1.
            cursor: From the page before; cheap however far in.
            offset: Documents to pass over instead; its cost grows.
            total: Whether to count all that match.

        Raises:
            InvalidFilter: Filter, sort or cursor mean nothing here.
            UnsupportedError: The backend cannot sort by an undeclared field.
        """
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
    ) -> Generator[Document]:
        """Yield every document that matches, reading `batch` at a time, in order of `sort`, id."""
        return self._portal.iterate(self._wrapped.scan(filter, sort=sort, batch=batch), batch)

    def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        return self._portal.call(self._wrapped.count, filter)

    def count_by(self, field: str | Path, filter: FilterLike | None = None) -> list[FieldCount]:
        """Return each scalar value of `field` and in how many documents it stands, in order.

        Documents in which it is missing, an array or an object are not counted.
        """
        return self._portal.call(self._wrapped.count_by, field, filter)

    def explain(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        limit: int = 100,
    ) -> Explanation:
        """Return how `find` with these arguments would be carried out."""
        return self._portal.call(self._wrapped.explain, filter, sort=sort, limit=limit)
