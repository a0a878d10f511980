"""A document store and a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from polystore.errors import Conflict
from polystore.filters import F, compile_predicate
from polystore.testing.checks import assert_raises
from polystore.types.json_domain import merge_patch
from polystore.types.sortkey import MISSING, sort_key

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.doc import DocStore

    Data = dict[str, Any]

_IDS = st.sampled_from(["a", "b", "A", "a-b", "a_b", "é"])
_NUMBERS = st.sampled_from([0, 1, 2, 1.0, True, None, "1"])
_DATA: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {}, optional={"n": _NUMBERS, "group": st.sampled_from(["x", "y"]), "o": st.just({"p": 1})}
)
_SOME = st.lists(_IDS, max_size=4)

STEPS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("put"), st.dictionaries(_IDS, _DATA, max_size=4)),
    st.tuples(st.just("patch"), _IDS, _DATA),
    st.tuples(st.just("set"), _IDS, _DATA, st.booleans()),
    st.tuples(st.just("delete"), _SOME),
    st.tuples(st.just("delete_where"), _NUMBERS),
    st.tuples(st.just("read"), _SOME),
    st.tuples(st.just("find"), _NUMBERS, st.booleans(), st.integers(1, 3)),
    st.tuples(st.just("count_by")),
)


class DocModel:
    """What a document store has to hold."""

    def __init__(self) -> None:
        self.rows: dict[str, Data] = {}

    async def put(self, docs: DocStore, items: dict[str, Data]) -> None:
        """Put some."""
        await docs.put_many(items)
        self.rows |= items

    async def patch(self, docs: DocStore, id_: str, change: Data) -> None:
        """Merge a patch."""
        document = await docs.patch(id_, change)
        if id_ not in self.rows:
            assert document is None
            return
        self.rows[id_] = merge_patch(self.rows[id_], change)
        assert document is not None
        assert document.data == self.rows[id_]

    async def set(self, docs: DocStore, id_: str, data: Data, stale: bool) -> None:
        """Compare and set, with the right version or with one of before."""
        document = await docs.get_document(id_)
        version = 0 if document is None else document.version
        if stale:
            old = version - 1 if version else 7
            await assert_raises(Conflict, lambda: docs.compare_and_set(id_, data, old))
            return
        assert await docs.compare_and_set(id_, data, version) > version
        self.rows[id_] = data

    async def delete(self, docs: DocStore, ids: list[str]) -> None:
        """Delete some."""
        assert await docs.delete(ids) == len(self.rows.keys() & set(ids))
        for id_ in ids:
            self.rows.pop(id_, None)

    async def delete_where(self, docs: DocStore, number: Any) -> None:
        """Delete what matches."""
        filter_ = F("n") == number
        gone = self._matching(filter_)
        assert await docs.delete(filter=filter_) == len(gone)
        for id_ in gone:
            del self.rows[id_]

    async def read(self, docs: DocStore, ids: list[str]) -> None:
        """Read some, and count all."""
        found = await docs.get_many(ids)
        assert [d and d.data for d in found] == [self.rows.get(id_) for id_ in ids]
        assert await docs.count() == len(self.rows)

    async def find(self, docs: DocStore, number: Any, other: bool, limit: int) -> None:
        """Find what matches, or what does not, in order, page by page."""
        filter_ = F("n") != number if other else F("n") == number
        ids: list[str] = []
        cursor: str | None = None
        while True:
            page = await docs.find(filter_, sort="-n", limit=limit, cursor=cursor)
            ids += [document.id for document in page.items]
            cursor = page.cursor
            if cursor is None:
                break
        expected = sorted(self._matching(filter_))
        expected.sort(key=lambda id_: sort_key(self.rows[id_].get("n", MISSING)), reverse=True)
        assert ids == expected
        assert await docs.count(filter_) == len(expected)

    async def count_by(self, docs: DocStore) -> None:
        """Count by a field."""
        groups = [data["group"] for data in self.rows.values() if "group" in data]
        found = {counted.value: counted.count for counted in await docs.count_by("group")}
        assert found == {group: groups.count(group) for group in groups}

    async def whole(self, docs: DocStore) -> None:
        """Compare everything."""
        assert {document.id: document.data async for document in docs.scan()} == self.rows

    def _matching(self, filter_: Filter) -> list[str]:
        predicate = compile_predicate(filter_)
        return [id_ for id_, data in self.rows.items() if predicate(data, {})]
