"""Broken document stores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from broken.fault import broken, broken_by, rewritten
from polystore.filters import And, Compare, Exists, Filter, In, Not, Or, StartsWith, paths
from polystore.stores.ordering import row_keys
from polystore.stores.queries import FindQuery
from polystore.types.batches import DocBatch
from polystore.types.json_domain import encode_json
from polystore_memory.doc import MemoryDoc

if TYPE_CHECKING:
    import pytest

    from polystore.filters import Path
    from polystore.types.call import Call
    from polystore.types.records import Document, FieldCount

KNOWN = {"v", "n", "x", "y", "group"}


class RewritesFilters(MemoryDoc):
    """Filters are changed on their way in."""

    def change(self, node: Filter) -> Filter:
        return node

    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        if query.filter is not None:
            query = replace(query, filter=rewritten(query.filter, self.change))
        return await super().find(call, query)


@broken("doc/filters/test_filter_operator[kit_docs-eq]")
class DropsFilters(MemoryDoc):
    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return await super().find(call, replace(query, filter=None))


@broken("doc/filters/test_filter_operator[kit_docs-in]")
class WidensEmptyIn(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        return And(()) if isinstance(node, In) and not node.values else node


@broken("doc/filters/test_filter_operator[kit_docs-eq]")
class NumbersAreDoubles(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        if isinstance(node, Compare) and isinstance(node.value, int):
            whole = not isinstance(node.value, bool)
            return Compare(node.path, node.op, float(node.value)) if whole else node
        return node


@broken("doc/filters/test_filter_operator[kit_docs-eq]")
class BoolsAreNumbers(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        if isinstance(node, Compare) and node.op == "eq" and node.value in {0, 1}:
            return In(node.path, (node.value, bool(node.value)))
        return node


@broken("doc/filters/test_filter_operator[kit_docs-ne]")
class NotNeedsTheField(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        if not isinstance(node, Not):
            return node
        return And((node, *(Exists(path) for path in paths(node.item) if not path.meta)))


@broken("doc/filters/test_filter_operator[kit_docs-starts_with]")
class PrefixesFold(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        if not isinstance(node, StartsWith):
            return node
        return Or((node, StartsWith(node.path, node.prefix.swapcase())))


@broken("doc/filters/test_filter_operator[kit_docs-or]")
class OrIsAnd(RewritesFilters):
    @override
    def change(self, node: Filter) -> Filter:
        return And(node.items) if isinstance(node, Or) else node


@broken("doc/filters/test_filter_count[kit_docs-gte]")
class CountDropsFilters(MemoryDoc):
    @override
    async def count_where(self, call: Call, filter_: Filter | None) -> int:
        return await self.count(call)


@broken("doc/finds/test_delete_by_filter")
class DeletesAll(MemoryDoc):
    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return await self.clear(call)


@broken("doc/finds/test_count_by")
class CountsAsText(MemoryDoc):
    @override
    async def count_by(self, call: Call, path: Path, filter_: Filter | None) -> list[FieldCount]:
        counted = await super().count_by(call, path, filter_)
        return [replace(count, value=str(count.value)) for count in counted]


@broken("doc/pages/test_offset_and_total")
class IgnoresOffset(MemoryDoc):
    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return await super().find(call, replace(query, offset=0))


@broken("doc/pages/test_pages_join_into_the_whole")
class CursorSkipsTies(MemoryDoc):
    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        after = query.after
        if after is None or not query.sort:
            return await super().find(call, query)
        found = await super().find(call, replace(query, limit=10**6))
        return [d for d in found if row_keys(query.sort, d) != after[0]][: query.limit]


@broken("doc/pages/test_every_order")
class TiesDescend(MemoryDoc):
    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        if not query.sort or query.after is not None:
            return await super().find(call, query)
        found = await super().find(call, replace(query, limit=10**6, offset=0))
        found.sort(key=lambda document: document.id, reverse=True)
        for place in range(len(query.sort) - 1, -1, -1):
            found.sort(
                key=lambda document, place=place: row_keys(query.sort, document)[place],
                reverse=query.sort[place].descending,
            )
        return found[query.offset :][: query.limit]


@broken("doc/pages/test_exactly_full_pages")
class ShortPages(MemoryDoc):
    @override
    async def find(self, call: Call, query: FindQuery) -> list[Document]:
        return await super().find(call, replace(query, limit=max(query.limit - 1, 1)))


@broken("doc/basics/test_values")
class DropsUnknownFields(MemoryDoc):
    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        data = [{k: v for k, v in one.items() if k in KNOWN} for one in batch.data]
        await super().put_many(call, DocBatch(batch.ids, data, [encode_json(d) for d in data]))


@broken("doc/basics/test_put_replaces_the_whole_document")
class PutMerges(MemoryDoc):
    @override
    async def put_many(self, call: Call, batch: DocBatch) -> None:
        old = await self.get_many(call, batch.ids)
        pairs = zip(old, batch.data, strict=True)
        data: list[dict[str, Any]] = [({} if o is None else o.data) | new for o, new in pairs]
        await super().put_many(call, DocBatch(batch.ids, data, [encode_json(d) for d in data]))


@broken_by("doc/patches/test_rfc_examples")
def patch_replaces(patch: pytest.MonkeyPatch) -> None:
    def merge(_old: Any, new: Any) -> Any:
        return new

    patch.setattr("polystore.stores.doc.merge_patch", merge)


@broken("doc/derived/test_counts_equal_the_derived_ones")
class CountByLeavesNullsOut(MemoryDoc):
    @override
    async def count_by(self, call: Call, path: Path, filter_: Filter | None) -> list[FieldCount]:
        counted = await super().count_by(call, path, filter_)
        return [count for count in counted if count.value is not None]


@broken("doc/derived/test_deletes_equal_the_derived_ones")
class DeletesOnlyAFew(MemoryDoc):
    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        found = await self.find(call, FindQuery(filter_, (), 3))
        return await self.delete_many(call, [document.id for document in found])
