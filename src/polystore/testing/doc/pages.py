"""Pages: every document once, in order, whatever the order, the ties and the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from polystore.capabilities import Feature
from polystore.errors import InvalidFilter, UnsupportedError
from polystore.filters import F
from polystore.stores.doc import parse_sort
from polystore.stores.ordering import in_order, row_keys
from polystore.testing.checks import asking, assert_raises, declared, fresh_workspace
from polystore.testing.doc.base import INDEXED, DocTests
from polystore.testing.filters.corpus import FREE_FIELDS, ROWS, VALUES, build_objects, fits
from polystore.testing.strategies import few
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.filters import Filter
    from polystore.stores.doc import DocStore
    from polystore.types.records import Document

ORDERS: tuple[tuple[str, ...], ...] = (
    (),
    ("v",),
    ("-v",),
    ("n",),
    ("-n",),
    ("group", "-n"),
    ("-group", "n"),
    ("group", "n"),
    ("-group", "-n"),
    ("n", "v"),
    ("in.x",),
    ("-in.x", "group", "-v"),
    ("meta:id",),
    ("-meta:id",),
    ("meta:version",),
    ("-meta:created_at", "n"),
    ("-meta:updated_at",),
)
"""Over fields that `kit_docs` declares, alone and mixed."""


async def walk(
    docs: DocStore, sort: tuple[str, ...], limit: int, filter_: Filter | None = None
) -> list[str]:
    """Return the ids of all pages, one after the other."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await docs.find(filter_, sort=sort, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        ids += [document.id for document in page.items]
        if page.cursor is None:
            return ids
        assert len(page.items) == limit, "a page that is not the last is full"
        cursor = page.cursor


def expected_order(documents: list[Document], sort: tuple[str, ...]) -> list[str]:
    """Return the ids in the order that is promised."""
    order = parse_sort(sort)
    return [id_ for _, id_ in in_order(((row_keys(order, d), d.id) for d in documents), order)]


async def fill(docs: DocStore) -> list[Document]:
    """Store documents with every kind of value, ties and missing fields; return them."""
    largest = (await docs.capabilities()).limits.max_exact_integer
    objects = build_objects(FREE_FIELDS, ROWS, largest)
    for part in range(3):  # not all at once, so that times and versions differ
        await docs.put_many(list(objects.items())[part::3])
    return [document async for document in docs.scan()]


async def sort_undeclared(docs: DocStore) -> None:
    """Use what `sort_undeclared` declares."""
    await docs.find(sort="nobody_declared_this")


class DocPages(DocTests):
    """Pages."""

    async def test_every_order(self, docs: DocStore) -> None:
        """Missing < null < false < true < numbers < strings < containers, both ways, ties by id."""
        documents = await fill(docs)
        assert len(documents) == ROWS
        for sort in ORDERS:
            expected = expected_order(documents, sort)
            found = [d.id for d in (await docs.find(sort=sort, limit=ROWS)).items]
            assert found == expected, sort

    async def test_pages_join_into_the_whole(self, docs: DocStore) -> None:
        """Page by page, in any order and step, every document comes exactly once, in order."""
        documents = await fill(docs)
        for sort in ORDERS:
            expected = expected_order(documents, sort)
            for limit in (7, ROWS - 1, ROWS, ROWS + 1):
                assert await walk(docs, sort, limit) == expected, (sort, limit)
        assert await walk(docs, ("v", "-n"), 1) == expected_order(documents, ("v", "-n"))

    @asking("eq", "or", "exists", "not")
    async def test_pages_of_a_filter(self, docs: DocStore) -> None:
        """The same with a filter, and with documents that lack the sort field."""
        documents = await fill(docs)
        filter_ = (F("group") == "x") | ~F("n").exists()
        matching = [d for d in documents if d.data.get("group") == "x" or "n" not in d.data]
        for sort in ORDERS:
            assert await walk(docs, sort, 3, filter_) == expected_order(matching, sort), sort
        found = [d.id async for d in docs.scan(filter_, sort="-v", batch=4)]
        assert found == expected_order(matching, ("-v",))

    @asking("eq")
    async def test_offset_and_total(self, docs: DocStore) -> None:
        """Offset passes over rows; total counts all that match, whatever the page."""
        documents = await fill(docs)
        expected = expected_order(documents, ("-v", "n"))
        for offset in (0, 1, 10, ROWS - 1, ROWS, ROWS + 10):
            page = await docs.find(sort=("-v", "n"), limit=5, offset=offset, total=True)
            assert [d.id for d in page.items] == expected[offset : offset + 5]
            assert page.total == ROWS
            assert (page.cursor is None) == (offset + 5 >= ROWS)
        page = await docs.find(F("group") == "x", limit=2, total=True)
        assert page.total == sum(d.data.get("group") == "x" for d in documents)
        assert (await docs.find(limit=2)).total is None
        # A page that began at an offset goes on by its cursor.
        first = await docs.find(sort="v", limit=4, offset=3)
        second = await docs.find(sort="v", limit=4, cursor=first.cursor)
        assert [d.id for d in [*first.items, *second.items]] == expected_order(documents, ("v",))[
            3:11
        ]

    async def test_exactly_full_pages(self, docs: DocStore) -> None:
        """There is no cursor after the last document, also where the last page is full."""
        assert (await docs.find(limit=3)).cursor is None
        await docs.put_many({f"d{n}": {"n": n} for n in range(6)})
        first = await docs.find(limit=3)
        assert first.cursor is not None
        second = await docs.find(limit=3, cursor=first.cursor)
        assert [d.id for d in second.items] == ["d3", "d4", "d5"]
        assert second.cursor is None

    async def test_pages_while_others_write(self, docs: DocStore) -> None:
        """What stays comes exactly once, though documents before and after come and go."""
        await docs.put_many({f"stay{n:02}": {"n": n * 10} for n in range(20)})
        ids: list[str] = []
        cursor: str | None = None
        for step in range(100):
            page = await docs.find(sort="n", limit=3, cursor=cursor)
            ids += [document.id for document in page.items]
            cursor = page.cursor
            if cursor is None:
                break
            await docs.put(f"new{step}", {"n": step * 7 - 1})
            await docs.put("early", {"n": -step})
            if ids[0].startswith("stay"):
                await docs.delete("early")
        staying = [id_ for id_ in ids if id_.startswith("stay")]
        assert staying == [f"stay{n:02}" for n in range(20)]

    @asking("gt", "gte")
    async def test_cursors_of_other_queries(self, docs: DocStore) -> None:
        """A cursor of another filter, sort or store, or a damaged one, is refused."""
        await docs.put_many({f"d{n}": {"n": n, "v": n} for n in range(9)})
        page = await docs.find(F("n") >= 0, sort="n", limit=2)
        cursor = page.cursor
        assert cursor is not None
        for filter_, sort in (
            (None, "n"),
            (F("n") > 0, "n"),
            (F("n") >= 0, "-n"),
            (F("n") >= 0, "v"),
            (F("n") >= 0, ("n", "v")),
            (F("n") >= 0, ()),
        ):
            await assert_raises(
                InvalidFilter,
                lambda filter_=filter_, sort=sort: docs.find(filter_, sort=sort, cursor=cursor),
            )
        for damaged in ("", "x", "é", cursor[:-3], "A" * 40, "bnVsbA", "W10", "W251bGwsMSwyXQ"):
            await assert_raises(
                InvalidFilter,
                lambda damaged=damaged: docs.find(F("n") >= 0, sort="n", cursor=damaged),
                about=damaged,
            )

    async def test_senseless_pages(self, docs: DocStore) -> None:
        """Zero and negative limits and offsets, offset with cursor, unreadable sorts: refused."""
        await docs.put_many({f"d{n}": {"n": n} for n in range(5)})
        page = await docs.find(limit=2)
        senseless: tuple[dict[str, Any], ...] = (
            {"limit": 0},
            {"limit": -1},
            {"offset": -1},
            {"cursor": page.cursor, "offset": 1},
            {"sort": ""},
            {"sort": "-"},
            {"sort": "a..b"},
            {"sort": "meta:nothing"},
        )
        for arguments in senseless:
            await assert_raises(InvalidFilter, lambda a=arguments: docs.find(**a), about=arguments)

    @declared(Feature.SORT_UNDECLARED, otherwise=sort_undeclared)
    async def test_sort_by_undeclared_fields(self, docs: DocStore) -> None:
        """Fields that `indexes` does not name sort too."""
        documents = await fill(docs)
        for sort in (("tags",), ("-row",), ('["a.b"]', "n"), ('-["a.b"]', "-row"), ('[""]', "v")):
            expected = expected_order(documents, sort)
            assert await walk(docs, sort, 10) == expected, sort

    async def test_stores_without_indexes(self, either: DocStore) -> None:
        """Order by a declared or undeclared field is the same order, where it is there."""
        documents = await fill(either)
        undeclared = Feature.SORT_UNDECLARED not in (await either.capabilities()).features
        for sort in ORDERS:
            if undeclared and either.name != INDEXED and any(":" not in name for name in sort):
                await assert_raises(UnsupportedError, lambda sort=sort: walk(either, sort, 9))
            else:
                assert await walk(either, sort, 11) == expected_order(documents, sort), sort

    @few
    @given(data=st.data())
    async def test_any_documents_in_any_order(self, client: Polystore, data: st.DataObject) -> None:
        """Random values, orders and steps."""
        docs = client.workspace(fresh_workspace()).doc(INDEXED)
        largest = (await docs.capabilities()).limits.max_exact_integer
        usable = [value for value in VALUES if value is MISSING or fits(value, largest)]
        some = st.sampled_from(usable)
        rows = data.draw(st.lists(st.tuples(some, some), min_size=1, max_size=12))
        await docs.put_many(
            {
                f"d{number}": {
                    name: value
                    for name, value in zip(("v", "n"), row, strict=True)
                    if value is not MISSING
                }
                for number, row in enumerate(rows)
            }
        )
        sort = data.draw(st.lists(st.sampled_from(["v", "-v", "n", "-n"]), max_size=2).map(tuple))
        documents = [document async for document in docs.scan()]
        limit = data.draw(st.integers(1, 5))
        assert await walk(docs, sort, limit) == expected_order(documents, sort)
