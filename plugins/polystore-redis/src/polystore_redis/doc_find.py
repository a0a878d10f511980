"""Answering one question to a document store of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.filters import Predicate, compile_predicate
from polystore.stores.ordering import comes_after, document_meta, in_order, row_keys
from polystore_redis.doc_plan import Access, everything, ways
from polystore_redis.doc_rows import document_of
from polystore_redis.doc_walk import Span, Walk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from polystore.filters import Filter
    from polystore.stores.queries import FindQuery
    from polystore.types.records import Document
    from polystore_redis.connection import Server
    from polystore_redis.doc_index import Index
    from polystore_redis.keys import StoreKeys

_FEW: Final = 1000
"""Documents that are rather all read and sorted than looked for in an order that may hide them."""
_BLOCK: Final = 500


class Finder:
    """Reads the documents of one workspace.

    Args:
        server: The server.
        keys: Of the store.
        workspace: Whose documents.
        indexes: The declared ones.
    """

    def __init__(
        self, server: Server, keys: StoreKeys, workspace: str, indexes: Sequence[Index]
    ) -> None:
        self._server = server
        self._keys = keys
        self._parts = keys.all_of(workspace)
        self._indexes = indexes

    async def get(self, ids: Sequence[str]) -> list[Document | None]:
        """Return the document of each id, None where there is none."""
        if not ids:
            return []
        groups = list(self._keys.split(ids))
        answers = await self._server.strings(
            [[self._parts[number].row(ids[position]) for position in of] for number, of in groups]
        )
        found: list[Document | None] = [None] * len(ids)
        for (_, positions), rows in zip(groups, answers, strict=True):
            for position, row in zip(positions, rows, strict=True):
                if row is not None:
                    found[position] = document_of(ids[position], row)
        return found

    async def find(self, query: FindQuery) -> list[Document]:
        """Return what a question asks for, in its order."""
        access, _ = await self.choose(query)
        return await (
            self._walked(query, access) if access.ordered else self._sorted(query, access)
        )

    async def size(self, access: Access) -> int:
        """Return how many members a way leads to."""
        counts = await self._server.many(
            [
                ("ZLEXCOUNT", key, span.low, span.high)
                for span in access.spans
                for key in self._sets(access)
            ]
        )
        return sum(counts)

    async def choose(self, query: FindQuery) -> tuple[Access, str]:
        """Return the way to take, and what to say of it."""
        ordered, narrow = ways(query.filter, query.sort, self._indexes)
        if ordered is not None and (narrow is None or ordered.narrows):
            return ordered, ordered.told()
        if narrow is None:
            return everything(query.filter), "every document is read, compared and sorted"
        if ordered is not None and await self.size(narrow) > _FEW:
            return ordered, ordered.told()
        return narrow, narrow.told()

    async def _walked(self, query: FindQuery, access: Access) -> list[Document]:
        """Take matching documents as they come, until there are enough."""
        found: list[Document] = []
        passed = 0
        matches = _predicate(query.filter)
        walk = Walk(self._server, self._sets(access), _from(access, query))
        wanted = query.limit + query.offset
        # Where the way leads to nothing else, a page is all that there is to read.
        most = wanted if matches is None or access.covers else max(wanted, _BLOCK)
        while members := await walk.block(most):
            if matches is None and passed + len(members) <= query.offset:
                passed += len(members)
                continue
            for document in await self._documents(access, members):
                if matches is not None and not matches(document.data, document_meta(document)):
                    continue
                passed += 1
                if passed > query.offset:
                    found.append(document)
                if len(found) == query.limit:
                    return found
        return found

    async def _sorted(self, query: FindQuery, access: Access) -> list[Document]:
        """Compare every document that the way leads to, and keep the first ones."""
        matches = _predicate(query.filter)
        wanted = query.limit + query.offset
        kept: dict[str, Document] = {}
        async for documents in self._reached(access):
            for document in documents:
                if matches is None or matches(document.data, document_meta(document)):
                    kept[document.id] = document
            if len(kept) > 2 * wanted + _FEW:
                kept = {document.id: document for document in _first(kept, query, wanted)}
        return _first(kept, query, wanted)[query.offset :]

    async def _reached(self, access: Access) -> AsyncIterator[list[Document]]:
        for span in access.spans:
            walk = Walk(self._server, self._sets(access), span)
            while members := await walk.block(_BLOCK):
                yield await self._documents(access, members)

    async def _documents(self, access: Access, members: Sequence[bytes]) -> list[Document]:
        """Return the documents of members; one that was deleted meanwhile is passed over."""
        index = access.index
        ids = [(member if index is None else index.id_of(member)).decode() for member in members]
        return [document for document in await self.get(ids) if document is not None]

    def _sets(self, access: Access) -> list[bytes]:
        index = access.index
        return [part.ids if index is None else part.index(index.name) for part in self._parts]


def _predicate(filter_: Filter | None) -> Predicate | None:
    # Also where the way covers it: a document may have changed since its member was read.
    return None if filter_ is None else compile_predicate(filter_)


def _first(kept: dict[str, Document], query: FindQuery, wanted: int) -> list[Document]:
    rows = in_order(((row_keys(query.sort, d), d.id) for d in kept.values()), query.sort)
    if query.after is not None:
        rows = [row for row in rows if comes_after(row, query.after, query.sort)]
    return [kept[id_] for _, id_ in rows[:wanted]]


def _from(access: Access, query: FindQuery) -> Span:
    """Return what is left of the only span after the document that the last page ended with."""
    (span,) = access.spans
    if query.after is None:
        return span
    keys, id_ = query.after
    rest = access.rest(keys)
    return Span(b"(" + access.prefix + rest + id_.encode(), span.high)
