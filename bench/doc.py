"""Document stores beside UNNEST and hand-written keyset pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.data import documents
from bench.measure import Case, per_call, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg.prepared_stmt import PreparedStatement

    from bench.context import Bench, Row

_BATCH = 1000
_PAGE = 100
_TABLE = """
CREATE TABLE bare.papers (
    id text COLLATE "C" PRIMARY KEY, data jsonb NOT NULL,
    status text COLLATE "C", rank bigint
);
CREATE INDEX ON bare.papers (status, id);
CREATE INDEX ON bare.papers (rank, id);
"""
_PUT = """
INSERT INTO bare.papers (id, data, status, rank)
SELECT * FROM unnest($1::text[], $2::jsonb[], $3::text[], $4::bigint[])
ON CONFLICT (id) DO UPDATE
SET data = excluded.data, status = excluded.status, rank = excluded.rank
"""
_SAME_TABLE = """
CREATE TABLE bare.papers_same (
    workspace text COLLATE "C", id text COLLATE "C", data jsonb NOT NULL,
    version bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    status text COLLATE "C", rank bigint, PRIMARY KEY (workspace, id)
);
CREATE INDEX ON bare.papers_same (workspace, status, id);
CREATE INDEX ON bare.papers_same (workspace, rank, id);
"""
_SAME_PUT = """
INSERT INTO bare.papers_same AS t
SELECT $1, id, data, 1, now(), now(), status, rank
FROM unnest($2::text[], $3::jsonb[], $4::text[], $5::bigint[]) AS r (id, data, status, rank)
ON CONFLICT (workspace, id) DO UPDATE
SET data = excluded.data, version = t.version + 1, updated_at = now(),
    status = excluded.status, rank = excluded.rank
"""
_PAGE_AFTER = """
SELECT id, data FROM bare.papers WHERE (rank, id) > ($1, $2) ORDER BY rank, id LIMIT 100
"""
_COUNT_BY = "SELECT status, count(*) FROM bare.papers GROUP BY status ORDER BY status"


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; the tables are filled when reads begin."""
    sizes, store = bench.sizes, bench.ps.doc("papers")
    await bench.driver.execute(_TABLE)
    await bench.driver.execute(_SAME_TABLE)
    data = documents(sizes.documents)
    put = await bench.driver.prepare(_PUT)

    same_put = await bench.driver.prepare(_SAME_PUT)

    async def puts(statement: PreparedStatement[Row], *first: str) -> None:
        ids, papers = list(data), list(data.values())
        for start in range(0, len(ids), _BATCH):
            part = papers[start : start + _BATCH]
            await statement.fetch(
                *first,
                ids[start : start + _BATCH],
                part,
                [paper["status"] for paper in part],
                [paper["rank"] for paper in part],
            )

    async def empty() -> None:
        await bench.empty(["doc_papers"], ["papers", "papers_same"])

    yield Case(
        "doc put_many, 2 indexes", len(data), "rows/s",
        lambda: per_row(store.put_many(data), len(data)),
        lambda: per_row(puts(put), len(data)),
        sizes.rounds, before=empty, same=lambda: per_row(puts(same_put, "w"), len(data)),
        note="UNNEST, 1,000 rows a statement",
    )  # fmt: skip
    yield Case(
        "doc put_many, 2 indexes, parallel=2", len(data), "rows/s",
        lambda: per_row(store.put_many(data, parallel=2), len(data)),
        lambda: per_row(puts(put), len(data)),
        sizes.rounds, before=empty, note="one connection",
    )  # fmt: skip
    await empty()
    await store.put_many(data)
    await puts(put)
    await bench.settle("polystore.doc_papers", "bare.papers")
    async for case in _reads(bench):
        yield case


async def _reads(bench: Bench) -> AsyncGenerator[Case]:
    sizes, store = bench.sizes, bench.ps.doc("papers")
    page_after = await bench.driver.prepare(_PAGE_AFTER)
    count_by = await bench.driver.prepare(_COUNT_BY)
    before = (sizes.page - 1) * _PAGE
    first = await store.find(sort="rank", limit=before)
    last = first.items[-1].data["rank"], first.items[-1].id
    calls = sizes.calls // 4
    places: dict[int, tuple[str | None, tuple[int, str]]] = {
        1: (None, (-1, "")),
        sizes.page: (first.cursor, last),
    }
    for number, (cursor, after) in places.items():
        page = await store.find(sort="rank", limit=_PAGE, cursor=cursor)
        rows = [tuple(row) for row in await page_after.fetch(*after)]
        assert [(document.id, document.data) for document in page.items] == rows

        async def ours(_: int, cursor: str | None = cursor) -> Any:
            return await store.find(sort="rank", limit=_PAGE, cursor=cursor)

        async def theirs(_: int, after: tuple[int, str] = after) -> Any:
            return await page_after.fetch(*after)

        yield Case(
            f"doc find, page {number:,} (p50)", calls, "ms",
            lambda ours=ours: per_call(ours, range(calls)),
            lambda theirs=theirs: per_call(theirs, range(calls)),
            sizes.rounds, note="held prepared statement, row comparison on an index",
        )  # fmt: skip
    counted = [(entry.value, entry.count) for entry in await store.count_by("status")]
    assert counted == [tuple(row) for row in await count_by.fetch()]
    few = max(3, sizes.calls // 40)
    yield Case(
        "doc count_by (p50)", few, "ms",
        lambda: per_call(lambda _: store.count_by("status"), range(few)),
        lambda: per_call(lambda _: count_by.fetch(), range(few)),
        sizes.rounds, note="GROUP BY, index-only scan",
    )  # fmt: skip
