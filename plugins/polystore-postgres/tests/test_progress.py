"""How far an index build is: told while it goes on, and never in its way."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

import polystore
from polystore import progress as counting
from polystore_postgres import progress as watching

if TYPE_CHECKING:
    from polystore.types.reports import Progress

ROWS = 500
BUILT = """
SELECT indexrelid::regclass::text FROM pg_index
 WHERE indrelid = 'polystore.doc_documents'::regclass AND NOT indisprimary"""

# Whoever has just asked how far a build is; not who builds, nor who holds the schema's lock.
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND (query LIKE '%pg_stat_progress_create_index%' OR query LIKE 'COMMIT%')"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_EVERY", 0.01)
    monkeypatch.setattr(counting, "_EVERY", 0)


def configured(dsn: str, *indexes: str, **block: Any) -> dict[str, Any]:
    return {
        "backends": {"main": {"use": "postgres", "dsn": dsn, **block}},
        "stores": {"documents": {"kind": "doc", "indexes": list(indexes)}},
    }


async def fill(dsn: str) -> None:
    """Make a store whose index is gone, for `apply` to build it again."""
    async with polystore.open(configured(dsn, "year"), schema="auto") as ps:
        await ps.doc("documents").put_many({f"d{n}": {"year": n} for n in range(ROWS)})
        async with ps.raw("main").acquire(raw=True) as connection:
            for (name,) in await connection.fetch(BUILT):
                await connection.execute(f"DROP INDEX {name}")


@pytest.mark.parametrize("block", [{}, {"pool": {"min": 0, "max": 1}}, {"admin_dsn": True}])
async def test_a_build_that_waits_for_a_writer_says_so(
    postgres_dsn: str, block: dict[str, Any]
) -> None:
    await fill(postgres_dsn)
    given = block | ({"admin_dsn": postgres_dsn} if "admin_dsn" in block else {})
    writer = await asyncpg.connect(postgres_dsn)
    seen: list[Progress] = []
    waiting = asyncio.Event()

    def tell(progress: Progress) -> None:
        seen.append(progress)
        if progress.phase.startswith("waiting for writers"):
            waiting.set()

    try:
        config = configured(postgres_dsn, "year", **given)
        async with polystore.open(config, schema="off") as ps:
            writing = writer.transaction()
            await writing.start()
            await writer.execute("LOCK TABLE polystore.doc_documents IN ROW EXCLUSIVE MODE")
            applying = asyncio.create_task(ps.apply(progress=tell))
            await waiting.wait()
            assert not applying.done()
            await writing.rollback()
            assert [change.action for change in await applying] == ["build_index"]
            assert await ps.plan() == []
            assert ps.runtime.backends["main"].backend.on_progress is None
    finally:
        await writer.close()
    assert {progress.backend for progress in seen} == {"main"}
    assert all("of doc_documents" in progress.what for progress in seen)
    blocked = next(told for told in seen if told.phase.startswith("waiting for writers"))
    assert (blocked.done, blocked.total, blocked.unit) == (0, 1, "transactions")
    assert all(first != second for first, second in itertools.pairwise(seen))


async def test_a_watcher_that_is_cut_off_stops_no_build(
    postgres_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(postgres_dsn)
    told = asyncio.Event()
    other = await asyncpg.connect(postgres_dsn)
    try:
        config = configured(postgres_dsn, "year")
        async with polystore.open(config, schema="off") as ps:
            writing = other.transaction()
            await writing.start()
            await other.execute("LOCK TABLE polystore.doc_documents IN ROW EXCLUSIVE MODE")
            applying = asyncio.create_task(ps.apply(progress=lambda _: told.set()))
            await told.wait()
            with caplog.at_level(logging.WARNING, "polystore"):
                while "cannot be told" not in caplog.text:
                    await other.execute(CUT)
                    await asyncio.sleep(0.01)
            assert not applying.done()
            await writing.rollback()
            assert [change.action for change in await applying] == ["build_index"]
    finally:
        await other.close()


async def test_how_far_a_new_field_is(postgres_dsn: str) -> None:
    """What is left to be filled is counted, also where a run before did a part."""
    async with polystore.open(configured(postgres_dsn), schema="auto") as ps:
        await ps.doc("documents").put_many({f"d{n:04}": {"year": n} for n in range(2500)})

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.done:
            raise InterruptedError

    seen: list[Progress] = []
    async with polystore.open(configured(postgres_dsn, "year"), schema="off") as ps:
        with pytest.raises(InterruptedError):
            await ps.apply(progress=interrupt)
        (first, second) = [(told.done, told.total) for told in seen]
        assert (first, second[1]) == ((0, 2500), 2500)
        assert 0 < second[0] < 2500
        left = 2500 - second[0]
        seen.clear()
        await ps.apply(progress=seen.append)
        assert await ps.plan() == []
    filling = [told for told in seen if told.phase == "filling"]
    assert {(told.backend, told.unit, told.total) for told in filling} == {("main", "rows", left)}
    assert (filling[0].done, filling[-1].done) == (0, left)
    assert "field year of" in filling[0].what


async def test_rows_that_move_while_a_field_is_filled(postgres_dsn: str) -> None:
    """`VACUUM FULL` packs them anew, also into parts of pages that were filled before."""
    async with polystore.open(configured(postgres_dsn), schema="auto") as ps:
        await ps.doc("documents").put_many({f"d{n:04}": {"year": n} for n in range(2500)})

    async def pack() -> None:
        other = await asyncpg.connect(postgres_dsn)
        await other.execute("VACUUM FULL polystore.doc_documents")
        await other.close()

    packed: list[int] = []

    def once(progress: Progress) -> None:
        if progress.phase == "filling" and progress.done and not packed:
            packed.append(progress.done)
            thread = threading.Thread(target=asyncio.run, args=[pack()])
            thread.start()
            thread.join()

    async with polystore.open(configured(postgres_dsn, "year"), schema="off") as ps:
        await ps.apply(progress=once)
        assert packed
        assert await ps.plan() == []
        page = await ps.doc("documents").find(sort="-year", limit=1)
        assert [found.data["year"] for found in page.items] == [2499]
        assert await ps.doc("documents").count(polystore.F("year") >= 0) == 2500


async def test_what_the_callback_raises_is_raised(postgres_dsn: str) -> None:
    await fill(postgres_dsn)
    other = await asyncpg.connect(postgres_dsn)
    called = asyncio.Event()

    def refuse(_: Progress) -> None:
        called.set()
        raise ValueError("not interested")

    try:
        async with polystore.open(configured(postgres_dsn, "year"), schema="off") as ps:
            writing = other.transaction()
            await writing.start()
            await other.execute("LOCK TABLE polystore.doc_documents IN ROW EXCLUSIVE MODE")
            applying = asyncio.create_task(ps.apply(progress=refuse))
            await called.wait()
            await writing.rollback()
            with pytest.raises(ValueError, match="not interested"):
                await applying
            assert await ps.plan() == []
    finally:
        await other.close()
