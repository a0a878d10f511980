"""What the application does with its papers: document stores."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from matrix import questions
from matrix.library import PAPERS, paper, paper_id, papers
from polystore import F
from polystore.capabilities import Feature
from polystore.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matrix.answers import Notes
    from polystore.client import Stores
    from polystore.filters import Filter
    from polystore.stores.doc import DocStore

SORTS: tuple[tuple[str, ...], ...] = (
    (),
    ("year",),
    ("-year",),
    ("status", "-year"),
    ("venue.city", "year"),
    ("rating",),
    ("-rating", "-year"),
    ("tags",),
)


async def ingest_papers(ps: Stores, notes: Notes) -> None:
    """Write all papers, some twice, and read them back."""
    docs = ps.doc("papers")
    batch = list(papers().items())
    await docs.put_many([(paper_id(0), {"first": "loses"}), *batch])
    await docs.put(paper_id(1), {"title": "replaced whole"})
    await docs.put(paper_id(1), paper(1))
    ids = [paper_id(number) for number in (5, 3, 99, 7, 5)]
    found = await docs.get_many(ids)
    notes.exact("doc: order is kept", [one and [one.id, one.data] for one in found])
    notes.exact("doc: absent", await docs.get("P02"))
    notes.exact("doc: all", {one.id: one.data async for one in docs.scan(batch=7)})
    notes.exact("doc: scanned in order", [one.id async for one in docs.scan(batch=11)])
    notes.exact("doc: count", await docs.count())


async def browse(ps: Stores, notes: Notes) -> None:
    """Find, count, sort, and turn pages."""
    docs = ps.doc("papers")
    for name, filter_ in questions.PAPERS.items():
        name = f"doc: {name}"
        if not await notes.evaluates(name, docs, filter_):
            await notes.refuses(name, docs.find(filter_))
            continue
        page = await docs.find(filter_, limit=PAPERS + 1, total=True)
        counted = await docs.count(filter_)
        notes.exact(name, {"ids": [one.id for one in page.items], "count": counted})
        notes.exact(f"{name}: total", page.total)
        notes.exact(f"{name}: no more", page.cursor is None)
    for sort in SORTS:
        for size in (1, 7, PAPERS):
            name = f"doc: by {', '.join(sort) or 'id'}, {size} a page"
            notes.exact(name, await _pages(docs, None, sort, size))
    some = F("year") >= 1994
    notes.exact("doc: pages of some", await _pages(docs, some, ("status", "-year"), 4))
    page = await docs.find(some, sort="-year", limit=5, offset=3, total=True)
    notes.exact("doc: offset", [[one.id for one in page.items], page.total])
    beyond = await docs.find(offset=PAPERS + 1)
    notes.exact("doc: offset beyond", [len(beyond.items), beyond.cursor])
    for field in ("status", "year", "open", "rating", "venue.city", "tags", "gone"):
        notes.exact(f"doc: count by {field}", await _count_by(docs, field))
    notes.exact("doc: count by status of some", await _count_by(docs, "status", some))
    for sort in (("title",), ("-a.b", "title")):
        name = f"doc: by undeclared {', '.join(sort)}"
        if await notes.declares(name, docs, Feature.SORT_UNDECLARED):
            notes.exact(name, await _pages(docs, None, sort, 9))
        else:
            await notes.refuses(name, docs.find(sort=sort))


async def _pages(
    docs: DocStore, filter_: Filter | None, sort: Sequence[str], size: int
) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await docs.find(filter_, sort=sort, limit=size, cursor=cursor)
        found += [one.id for one in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


async def _count_by(docs: DocStore, field: str, filter_: Filter | None = None) -> list[Any]:
    return [[one.value, one.count] for one in await docs.count_by(field, filter_)]


async def revise(ps: Stores, notes: Notes) -> None:
    """Patch, compare and set, and let editors meet."""
    docs = ps.doc("papers")
    before = await docs.get_document(paper_id(2))
    assert before is not None
    patch: dict[str, Any] = {
        "status": "revised",
        "tags": None,
        "venue": {"city": "Oslo", "name": None},
        "new": [],
    }
    after = await docs.patch(paper_id(2), patch)
    assert after is not None
    notes.exact("doc: patched", after.data)
    notes.exact("doc: version grew", after.version > before.version)
    notes.exact("doc: created stays", after.created_at == before.created_at)
    notes.exact("doc: patch of nothing", await docs.patch("gone", {"a": 1}))
    await notes.error("doc: late", docs.compare_and_set(paper_id(2), {}, before.version))
    await notes.error("doc: late patch", docs.patch(paper_id(2), {}, version=before.version))
    notes.exact("doc: put if absent", [
        await docs.put_if_absent("fresh", {"n": 1}), await docs.put_if_absent("fresh", {"n": 2})
    ])  # fmt: skip
    notes.exact("doc: first stays", await docs.get("fresh"))
    await asyncio.gather(*(_sign(docs, name) for name in "abcdefgh"))
    signed = await docs.get("fresh") or {}
    notes.exact("doc: no signature is lost", sorted(signed.get("by", {})))
    notes.exact("doc: found by its new value", [
        one.id for one in (await docs.find(F("status") == "revised")).items
    ])  # fmt: skip
    notes.exact("doc: not by its old one", await docs.count(F("status") == "printed"))


async def _sign(docs: DocStore, name: str) -> None:
    while True:
        try:
            await docs.patch("fresh", {"by": {name: True}})
        except Conflict:
            continue
        return


async def weed(ps: Stores, notes: Notes) -> None:
    """Delete by id and by filter; indexes follow."""
    docs = ps.doc("papers")
    notes.exact("doc: deleted", await docs.delete(["fresh", "gone", "fresh"]))
    wanted = (F("year") >= 2000) | F("rating").is_null()
    notes.exact("doc: deleted by filter", await docs.delete(filter=wanted))
    notes.exact("doc: none left of them", await docs.count(wanted))
    notes.exact("doc: left", {one.id: one.data async for one in docs.scan()})
    notes.exact("doc: left by status", await _count_by(docs, "status"))
    notes.exact("doc: left by year", await _pages(docs, None, ("-year",), 5))
    await docs.put_many(papers())
    notes.exact("doc: back again", await docs.count())
