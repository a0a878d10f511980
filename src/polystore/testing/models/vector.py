"""A vector store and a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import strategies as st

from polystore.filters import F
from polystore.testing.vector.base import assert_hits, random_vectors
from polystore.types.json_domain import merge_patch
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.vector import VectorStore

    Row = tuple[int, dict[str, Any]]

_VECTORS = random_vectors(6, seed=77)
_IDS = st.sampled_from(["a", "b", "A", "a-b", "a_b", "é"])
_NUMBERS = st.integers(0, len(_VECTORS) - 1)
_DATA: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional={"n": st.sampled_from([0, 1])})
_SOME = st.lists(_IDS, max_size=4)

STEPS: st.SearchStrategy[Any] = st.one_of(
    st.tuples(st.just("upsert"), st.dictionaries(_IDS, st.tuples(_NUMBERS, _DATA), max_size=4)),
    st.tuples(st.just("patch"), st.dictionaries(_IDS, _DATA, max_size=2)),
    st.tuples(st.just("delete"), _SOME),
    st.tuples(st.just("delete_where"), st.sampled_from([0, 1])),
    st.tuples(st.just("read"), _SOME),
    st.tuples(st.just("search"), _NUMBERS, st.integers(1, 7), st.sampled_from([None, 0, 1])),
)


class VectorModel:
    """What a vector store has to hold: for each id the number of its vector, and its metadata.

    Args:
        filters: Whether searches take a filter.
    """

    def __init__(self, *, filters: bool) -> None:
        self.rows: dict[str, Row] = {}
        self._filters = filters

    async def upsert(self, vectors: VectorStore, items: dict[str, Row]) -> None:
        """Upsert some."""
        await vectors.upsert(
            [VectorRecord(id_, _VECTORS[n], f"t{n}", data) for id_, (n, data) in items.items()]
        )
        self.rows |= items

    async def patch(self, vectors: VectorStore, patches: dict[str, dict[str, Any]]) -> None:
        """Merge patches into metadata."""
        absent = [id_ for id_ in patches if id_ not in self.rows]
        assert await vectors.update_metadata(patches) == absent
        for id_, patch in patches.items():
            if id_ in self.rows:
                number, data = self.rows[id_]
                self.rows[id_] = number, merge_patch(data, patch)

    async def delete(self, vectors: VectorStore, ids: list[str]) -> None:
        """Delete some."""
        assert await vectors.delete(ids) == len(self.rows.keys() & set(ids))
        for id_ in ids:
            self.rows.pop(id_, None)

    async def delete_where(self, vectors: VectorStore, number: int) -> None:
        """Delete what matches."""
        gone = self._matching(number)
        assert await vectors.count(F("n") == number) == len(gone)
        assert await vectors.delete(filter=F("n") == number) == len(gone)
        for id_ in gone:
            del self.rows[id_]

    async def read(self, vectors: VectorStore, ids: list[str]) -> None:
        """Read some, and count all."""
        found = await vectors.get_many(ids)
        assert [record is not None for record in found] == [id_ in self.rows for id_ in ids]
        for record in found:
            if record is not None:
                number, data = self.rows[record.id]
                assert record.metadata == data
                assert np.array_equal(np.asarray(record.vector), _VECTORS[number])
        assert await vectors.count() == len(self.rows)

    async def search(self, vectors: VectorStore, n: int, k: int, only: int | None) -> None:
        """Search exactly, with a filter or without."""
        asked = only if self._filters else None
        filter_: Filter | None = None if asked is None else F("n") == asked
        hits = await vectors.search(_VECTORS[n], k=k, filter=filter_, exact=True)
        ids = list(self.rows) if asked is None else self._matching(asked)
        rows = {id_: _VECTORS[self.rows[id_][0]] for id_ in ids}
        assert_hits(hits, vectors.spec.metric, rows, _VECTORS[n], k)

    async def whole(self, vectors: VectorStore) -> None:
        """Compare everything."""
        found = {record.id: (record.text, record.metadata) async for record in vectors.scan()}
        assert found == {id_: (f"t{number}", data) for id_, (number, data) in self.rows.items()}

    def _matching(self, number: int) -> list[str]:
        return [id_ for id_, (_, data) in self.rows.items() if data.get("n") == number]
