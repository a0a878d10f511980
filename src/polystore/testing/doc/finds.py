"""Find, count, count_by, delete by filter, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidFilter
from polystore.filters import And, F, In, Not, Or, Path
from polystore.testing.checks import asking, assert_refused, same
from polystore.testing.doc.base import DocTests
from polystore.testing.filters.corpus import VALUES, fits
from polystore.types.sortkey import MISSING, sort_key

if TYPE_CHECKING:
    from polystore.stores.doc import DocStore


class DocFinds(DocTests):
    """Questions by filter."""

    @asking("eq", "and", "gt", "exists", "in")
    async def test_count(self, docs: DocStore) -> None:
        """Count counts what matches, or everything."""
        await docs.put_many({f"d{n}": {"n": n, "group": "xy"[n % 2]} for n in range(10)})
        assert await docs.count() == 10
        assert await docs.count(F("group") == "x") == 5
        assert await docs.count((F("group") == "x") & (F("n") > 4)) == 2
        assert await docs.count(F("absent").exists()) == 0
        assert await docs.count({}) == 10
        assert await docs.count(In(Path(("n",)), ())) == 0

    @asking("eq", "in")
    async def test_delete_by_filter(self, either: DocStore) -> None:
        """Exactly what matches goes, however much that is."""
        rows = min((await either.capabilities()).limits.batch_rows, 1000)
        await either.put_many({f"d{n}": {"n": n, "even": n % 2 == 0} for n in range(rows + 20)})
        kept = [n for n in range(rows + 20) if n % 2]
        assert await either.delete(filter={"even": True}) == rows + 20 - len(kept)
        assert await either.count() == len(kept)
        assert sorted([d.data["n"] async for d in either.scan()]) == kept
        assert await either.delete(filter=F("even") == 1) == 0
        assert await either.delete(filter=F("even").is_in([])) == 0
        assert await either.count() == len(kept)

    @asking("and", "or", "in", "not")
    async def test_an_empty_filter_never_deletes(self, docs: DocStore) -> None:
        """What matches everything by its structure alone is refused by delete."""
        await docs.put_many({"a": {}, "b": {}})
        empty: tuple[Any, ...] = ({}, And(()), Not(Or(())), Not(In(Path(("x",)), ())), None)
        for filter_ in empty:
            await assert_refused(
                docs, InvalidFilter, lambda filter_=filter_: docs.delete(filter=filter_)
            )
        await assert_refused(docs, InvalidFilter, lambda: docs.delete())
        await assert_refused(docs, InvalidFilter, lambda: docs.delete("a", filter={"x": 1}))

    @asking("eq")
    async def test_count_by(self, either: DocStore) -> None:
        """Scalars are counted by value, in order; missing, arrays and objects are left out."""
        largest = (await either.capabilities()).limits.max_exact_integer
        values = [value for value in VALUES if value is MISSING or fits(value, largest)]
        await either.put_many(
            {
                f"d{n}/{copy}": {"copy": copy} if value is MISSING else {"copy": copy, "v": value}
                for n, value in enumerate(values)
                for copy in range(1 + n % 3)
            }
        )
        copies = [(v, 1 + n % 3) for n, v in enumerate(values)]
        ordered = sorted(
            [
                (v, count)
                for v, count in copies
                if v is not MISSING and not isinstance(v, list | dict)
            ],
            key=lambda pair: (sort_key(pair[0]), pair[0] if isinstance(pair[0], str) else ""),
        )
        found = await either.count_by("v")
        assert len(found) == len(ordered), found
        for counted, (value, count) in zip(found, ordered, strict=True):
            assert same(counted.value, value), (counted, value)
            assert counted.count == count, counted
        first = await either.count_by("v", F("copy") == 0)
        assert [counted.count for counted in first] == [1] * len(ordered)
        assert await either.count_by("absent") == []
        by_copy = {counted.value: counted.count for counted in await either.count_by("copy")}
        assert sum(by_copy.values()) == await either.count()

    async def test_count_by_takes_equal_numbers_together(self, docs: DocStore) -> None:
        """1 and 1.0 are one value; true, "1" and null are others."""
        values = [1, 1.0, True, "1", None, 0, -0.0, False]
        await docs.put_many({f"d{n}": {"v": value} for n, value in enumerate(values)})
        found = [(counted.value, counted.count) for counted in await docs.count_by("v")]
        expected = [(None, 1), (False, 1), (True, 1), (0, 2), (1, 2), ("1", 1)]
        assert len(found) == len(expected), found
        assert all(same(list(a), list(b)) for a, b in zip(found, expected, strict=True)), found

    async def test_count_by_a_system_field(self, docs: DocStore) -> None:
        """System fields can be counted by too."""
        await docs.put_many({"a": {"id": "x"}, "b": {"id": "x"}})
        found = await docs.count_by("meta:id")
        assert [(counted.value, counted.count) for counted in found] == [("a", 1), ("b", 1)]
        mine = [(counted.value, counted.count) for counted in await docs.count_by("id")]
        assert mine == [("x", 2)]

    @asking("eq")
    async def test_explain(self, docs: DocStore) -> None:
        """Explain says how, and changes nothing."""
        await docs.put_many({f"d{n}": {"v": n} for n in range(5)})
        explanation = await docs.explain(F("v") == 3, sort="-n", limit=3)
        assert explanation.operation
        assert explanation.how in {"native", "emulated"}
        assert explanation.access in {"index", "exact"}
        assert await docs.count() == 5
