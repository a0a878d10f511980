"""Document stores: the handle that users hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from polystore.capabilities import Feature
from polystore.errors import Conflict, InvalidFilter
from polystore.filters import Path, parse_path
from polystore.specs import DocSpec
from polystore.stores.columns import columns_of, json_object, json_objects
from polystore.stores.cursor import decode_cursor, encode_cursor, query_signature
from polystore.stores.doc_driver import DocDriver
from polystore.stores.handle import Handle
from polystore.stores.ordering import row_keys
from polystore.stores.queries import FindQuery, Sort
from polystore.types.batches import Decoded, DocBatch
from polystore.types.json_domain import decode_json, encode_each, encode_json, merge_patch
from polystore.types.names import check_key, check_keys
from polystore.types.numbers import check_count
from polystore.types.records import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from polystore.stores.filtering import FilterLike
    from polystore.types.call import Call
    from polystore.types.records import Document, FieldCount
    from polystore.types.reports import Explanation

SortLike: TypeAlias = "str | Path | Sort"
"""A field to sort by: `status`, `-meta:created_at` (descending), a path or a Sort."""

_READ_ROWS = 500
_PATCH_TRIES = 10


class DocStore(Handle[DocDriver]):
    """Ids to JSON objects, found by filters, in pages, with optimistic concurrency."""

    __slots__ = ()

    async def put(self, id: str, data: Mapping[str, Any]) -> None:
        """Store `data` under `id`, replacing the whole document.

        Raises:
            InvalidRecord: Id or data lie outside what every engine can store.
        """
        await self._write_one("put", await self._batch([id], [data]), self._write)

    async def put_many(
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
        batch = await self._batch(*columns_of(items))
        if batch.ids:
            await self._write(self._call, batch, atomic=atomic, parallel=parallel)

    async def put_if_absent(self, id: str, data: Mapping[str, Any]) -> bool:
        """Store `data` if `id` is absent; return whether it was stored.

        Raises:
            OutcomeUnknown: The connection broke before the answer came.
        """
        return await self._compare_and_set("put_if_absent", id, data, 0) is not None

    async def compare_and_set(self, id: str, data: Mapping[str, Any], version: int) -> int:
        """Store `data` if the document still has `version` (0: absent); return the new version.

        Raises:
            Conflict: The document has another version, or is absent.
            OutcomeUnknown: The connection broke before the answer came.
        """
        version = check_count(version, "a version", at_least=0)
        stored = await self._compare_and_set("compare_and_set", id, data, version)
        if stored is None:
            raise self._conflict(id, f"does not have version {version}")
        return stored

    async def patch(
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
        if version is not None:
            check_count(version, "a version", at_least=0)
        # As they are now: the caller's own objects may change while this waits.
        text = encode_json(json_object(changes, what="the patch"), what=f"the changes to {id!r}")
        for _ in range(_PATCH_TRIES):
            document = await self.get_document(id)
            if version is not None and (document is None or document.version != version):
                raise self._conflict(id, f"does not have version {version}")
            if document is None:
                return None
            merged = merge_patch(document.data, decode_json(text))
            merged = merged if check is None else check(merged)
            if await self._compare_and_set("patch", id, merged, document.version) is not None:
                return await self.get_document(id)
        raise self._conflict(id, f"was changed by others {_PATCH_TRIES} times meanwhile")

    async def get(self, id: str) -> dict[str, Any] | None:
        """Return the data of a document, or None if it is absent."""
        document = await self.get_document(id)
        return None if document is None else document.data

    async def get_document(self, id: str) -> Document | None:
        """Return a document with its version and times, or None if it is absent."""
        return await self._read_one(
            "get", check_key(id, what="the id"), lambda d, call, ids: d.get_many(call, ids)
        )

    async def get_many(self, ids: Iterable[str]) -> list[Document | None]:
        """Return the document of each id, in order, None where it is absent."""
        return await self._read_each(
            "get_many",
            check_keys(ids, what="the id"),
            lambda d, part: d.get_many(self._call, part),
        )

    async def delete(
        self, ids: str | Iterable[str] | None = None, *, filter: FilterLike | None = None
    ) -> int:
        """Delete by id or ids, or by filter; return how many there were.

        Raises:
            InvalidFilter: Neither or both are given, or the filter matches everything.
        """
        return await self._delete(
            ids,
            filter,
            lambda d, part: d.delete_many(self._call, part),
            lambda d, wanted: d.delete_where(self._call, wanted),
        )

    async def find(
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
        query, signature = await self._query(filter, sort, limit, cursor, offset)
        found = await self._store.run("find", self._call, lambda d: d.find(self._call, query))
        counted = await self.count(query.filter) if total else None
        if len(found) < query.limit:
            return Page(found, None, counted)
        found = found[:limit]
        position = row_keys(query.sort, found[-1]), found[-1].id
        return Page(found, encode_cursor(signature, position), counted)

    async def scan(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        batch: int = _READ_ROWS,
    ) -> AsyncIterator[Document]:
        """Yield every document that matches, reading `batch` at a time, in order of `sort`, id."""
        cursor: str | None = None
        while True:
            page = await self.find(filter, sort=sort, limit=batch, cursor=cursor)
            for document in page.items:
                yield document
            cursor = page.cursor
            if cursor is None:
                return

    async def count(self, filter: FilterLike | None = None) -> int:
        """Return how many documents match."""
        wanted = await self._filter(filter)
        return await self._store.run(
            "count", self._call, lambda d: d.count_where(self._call, wanted)
        )

    async def count_by(
        self, field: str | Path, filter: FilterLike | None = None
    ) -> list[FieldCount]:
        """Return each scalar value of `field` and in how many documents it stands, in order.

        Documents in which it is missing, an array or an object are not counted.
        """
        path = parse_path(field)
        wanted = await self._filter(filter)
        return await self._store.run(
            "count_by", self._call, lambda d: d.count_by(self._call, path, wanted)
        )

    async def explain(
        self,
        filter: FilterLike | None = None,
        *,
        sort: SortLike | Sequence[SortLike] = (),
        limit: int = 100,
    ) -> Explanation:
        """Return how `find` with these arguments would be carried out."""
        query, _ = await self._query(filter, sort, limit, None, 0)
        return await self._store.run("explain", self._call, lambda d: d.explain(self._call, query))

    async def _query(
        self,
        filter_: FilterLike | None,
        sort: SortLike | Sequence[SortLike],
        limit: int,
        cursor: str | None,
        offset: int,
    ) -> tuple[FindQuery, str]:
        limit = check_count(limit, "limit", error=InvalidFilter)
        offset = check_count(offset, "offset", at_least=0, error=InvalidFilter)
        if cursor is not None and offset:
            raise InvalidFilter("an offset goes with no cursor", hint="Give one of them")
        wanted = await self._filter(filter_)
        order = parse_sort(sort)
        await self._check_sort(order)
        signature = query_signature(self.name, wanted, order)
        after = None if cursor is None else decode_cursor(signature, cursor, len(order))
        # One more than asked tells whether there is a next page.
        return FindQuery(wanted, order, limit + 1, after, offset), signature

    async def _check_sort(self, sort: tuple[Sort, ...]) -> None:
        spec = self._store.spec
        declared = set(spec.indexed_paths()) if isinstance(spec, DocSpec) else set[Path]()
        if all(part.path.meta or part.path in declared for part in sort):
            return
        (await self._store.ready()).capabilities.require(
            Feature.SORT_UNDECLARED,
            backend=self.backend,
            store=self.name,
            operation="sorting by a field that `indexes` does not declare",
        )

    async def _compare_and_set(
        self, operation: str, id_: str, data: Mapping[str, Any], version: int
    ) -> int | None:
        row = await self._batch([id_], [data])
        async with self._room(self._call, [id_], len(row.data_json[0])):
            return await self._store.run(
                operation,
                self._call,
                lambda d: d.compare_and_set(self._call, row, version),
                repeatable=False,
            )

    async def _batch(self, ids: list[str], data: Iterable[Mapping[str, Any]]) -> DocBatch:
        """Return validated documents in columns, duplicates still in them."""

        def what(row: int) -> str:
            return f"document {ids[row]!r}"

        texts = encode_each(json_objects(data, what), what)
        limits = (await self._store.ready()).capabilities.limits
        self._store.check_sizes(texts, limits.value_bytes, what="a document")
        return DocBatch(check_keys(ids, what="the id"), Decoded(texts), texts)

    async def _write(
        self, call: Call, batch: DocBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        await self._write_batch(
            "put_many",
            call,
            batch,
            batch.ids,
            [len(text) for text in batch.data_json],
            lambda d, call, part: d.put_many(call, part),
            atomic=atomic,
            parallel=parallel,
        )

    def _conflict(self, id_: str, what: str) -> Conflict:
        return Conflict(
            f"document {id_!r} {what}",
            backend=self.backend,
            store=self.name,
            hint="Read it again with get_document and decide anew",
        )


def parse_sort(sort: SortLike | Sequence[SortLike]) -> tuple[Sort, ...]:
    """Return the order that names, paths and Sorts mean."""
    parts = [sort] if isinstance(sort, str | Path | Sort) else sort
    order: list[Sort] = []
    for part in parts:
        if isinstance(part, Sort):
            order.append(part)
        elif isinstance(part, Path):
            order.append(Sort(part))
        else:
            order.append(Sort(parse_path(part.removeprefix("-")), part.startswith("-")))
    return tuple(order)
