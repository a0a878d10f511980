"""Vectors on Milvus: adversarial texts, limits, races, freshness, the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from polystore import F, VectorRecord
from polystore.errors import LimitExceeded

from .clients import DIMENSIONS, client_of, matrix, record

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import datetime

TRICKY = [
    '"',
    "'",
    "\\",
    '\\"',
    "\n",
    "\r\n\t",
    "%",
    "_",
    "{}",
    "{id}",
    "$0",
    "' or 1==1",
    '" or 1==1 or id == "',
    '\\" or true or id == \\"',
    '"] or id in ["a',
    "\x01\x02\x1b\x7f",
    "\u2028\ufeff",
    "é́",
    "名",
    "\U0010ffff",
    "\ud7ff",
    " ",
    "1:a",
    '"' * 512,
    "\\" * 512,
    "\x1f" * 512,
    "\U0010ffff" * 128,
]
SPACES = ["one", "' or 1==1", '" or workspace == "one', "\\", "\n", '"' * 256, "名" * 85]


def is_later(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


async def test_texts_of_users_are_data(shared_block: dict[str, Any]) -> None:
    """Ids, workspaces, texts, keys and values of metadata; nothing crosses workspaces."""
    async with client_of(shared_block) as ps:
        for number, name in enumerate(SPACES):
            await (
                ps.workspace(name)
                .vector("things")
                .upsert(
                    VectorRecord(id_, [1.0, number, 0, 0, 0, 0, 0, 0], id_, {id_: id_, "s": id_})
                    for id_ in TRICKY
                )
            )
        for number, name in enumerate(SPACES):
            own = ps.workspace(name).vector("things")
            assert await own.count() == len(TRICKY)
            found = await own.get_many(TRICKY)
            assert [(r.id, r.text, r.metadata) for r in found if r is not None] == [
                (id_, id_, {id_: id_, "s": id_}) for id_ in TRICKY
            ]
            assert [r.id async for r in own.scan()] == sorted(TRICKY)
            hits = await own.search([1.0, number, 0, 0, 0, 0, 0, 0], k=100)
            assert sorted(hit.id for hit in hits) == sorted(TRICKY)
        own = ps.workspace("one").vector("things")
        for id_ in TRICKY:
            for wanted in (F("s") == id_, F((id_,)) == id_, F.meta("id") == id_):
                hits = await own.search([1.0, 0, 0, 0, 0, 0, 0, 0], k=100, filter=wanted)
                assert [hit.id for hit in hits] == [id_], (id_, wanted)
            started = await own.count(F("s").starts_with(id_))
            assert started == sum(other.startswith(id_) for other in TRICKY), id_
        assert await own.delete(TRICKY[0]) == 1
        assert await own.delete([f'x" or id != "{id_}' for id_ in TRICKY[:3]]) == 0
        assert await own.delete(filter=F("s") == "' or 1==1") == 1
        assert await own.count() == len(TRICKY) - 2
        await own.clear()
        for name in SPACES[1:]:
            assert await ps.workspace(name).vector("things").count() == len(TRICKY)


async def test_the_loop_has_its_turns_while_much_is_done(shared_block: dict[str, Any]) -> None:
    """5,000 rows of 384 numbers are written, 2,000 searched for: others have their turns."""
    async with client_of(shared_block, "wide", dimensions=384) as ps:
        wide, vectors = ps.vector("wide"), matrix(5000, 384)
        ids = [f"r{number}" for number in range(5000)]
        await wide.upsert_arrays(ids[:1], vectors[:1])

        async def turns_during(work: Awaitable[Any]) -> int:
            turns, over = 0, False

            async def tick() -> None:
                nonlocal turns
                while not over:
                    await asyncio.sleep(0.002)
                    turns += 1

            ticking = asyncio.create_task(tick())
            await work
            over = True
            await ticking
            return turns

        texts, metadata = ["some text"] * 5000, [{"n": number} for number in range(5000)]
        writing = wide.upsert_arrays(ids, vectors, texts=texts, metadata=metadata)
        assert await turns_during(writing) > 50
        assert await wide.count() == 5000
        assert await turns_during(wide.search_many(vectors[:2000], k=10)) > 50


async def test_a_replaced_row_keeps_when_it_came_into_being(shared_block: dict[str, Any]) -> None:
    """Right after it was written, when that is remembered; and when it no longer is."""
    async with client_of(shared_block) as ps, client_of(shared_block) as other:
        mine = ps.workspace("births").vector("things")
        theirs = other.workspace("births").vector("things")
        ids = [f"r{number}" for number in range(5)]
        await mine.upsert(map(record, ids))
        first = {r.id: r for r in await mine.get_many(ids) if r is not None}
        for pause in (0.0, 3.0, 0.0):
            await asyncio.sleep(pause)
            await mine.upsert(record(id_, 1) for id_ in ids)
            for r in await mine.get_many(ids):
                assert r is not None
                before = first[r.id]
                assert r.created_at == before.created_at
                assert is_later(r.updated_at, before.updated_at)
                assert r.version > before.version
        # Also a row that another client wrote a moment ago, in a patch, which reads it anyway.
        await theirs.upsert([record("theirs")])
        born = await theirs.get("theirs")
        assert await mine.update_metadata({"theirs": {"m": 1}}) == []
        found = await mine.get("theirs")
        assert born is not None
        assert found is not None
        assert (found.created_at, found.metadata) == (born.created_at, {"n": 0, "m": 1})
        # A row that was deleted and written again is a new one.
        await mine.delete("r0")
        await mine.upsert([record("r0")])
        again = await mine.get("r0")
        assert again is not None
        assert is_later(again.created_at, first["r0"].created_at)


async def test_writers_of_one_client_lose_nothing(shared_block: dict[str, Any]) -> None:
    async with client_of(shared_block) as ps:
        things = ps.workspace("races").vector("things")
        ids = [f"r{number}" for number in range(4)]
        await things.upsert(map(record, ids))
        patches: list[Awaitable[Any]] = [
            things.update_metadata({id_: {f"k{number}": number} for id_ in ids[::step]})
            for number in range(10)
            for step in (1, -1)
        ]
        await asyncio.gather(*patches)
        expected = {"n": 0} | {f"k{number}": number for number in range(10)}
        for r in await things.get_many(ids):
            assert r is not None
            assert r.metadata == expected
        # Upserts and deletes of the same id: each one either came before or after each other.
        mixed: list[Awaitable[Any]] = []
        for number in range(10):
            mixed += [things.upsert([record("x", number), record("y", number)])]
            mixed += [things.delete(["y", "x"]), things.update_metadata({"x": {"p": number}})]
        done = await asyncio.gather(*mixed)
        deleted = sum(count for count in done if isinstance(count, int))
        left = await things.get_many(["x", "y"])
        assert (left[0] is None) == (left[1] is None)
        assert deleted % 2 == 0
        assert await things.delete(["x", "y"]) == (0 if left[0] is None else 2)


async def test_deleting_what_another_client_just_wrote(shared_block: dict[str, Any]) -> None:
    async with client_of(shared_block) as ps, client_of(shared_block) as other:
        mine = ps.workspace("deletes").vector("things")
        theirs = other.workspace("deletes").vector("things")
        for number in range(5):
            await theirs.upsert([record(f"r{number}", number)])
            await mine.delete(f"r{number}")
            assert await mine.get(f"r{number}") is None
        strong = mine.with_options(consistency="strong")
        assert await strong.count() == 0
        await theirs.upsert([record("a"), record("b", 7)])
        assert await mine.delete(filter=F("n") == 7) == 1
        assert await mine.clear() == 1


async def test_reads_see_the_clients_own_writes(shared_block: dict[str, Any]) -> None:
    """Session never misses them, strong sees those of other clients, eventual asks for nothing."""
    async with client_of(shared_block) as ps, client_of(shared_block) as other:
        mine = ps.workspace("fresh").vector("things")
        theirs = other.workspace("fresh").vector("things").with_options(consistency="strong")
        for number in range(15):
            id_ = f"r{number}"
            await mine.upsert([record(id_, number)])
            found, count, hits, filtered = await asyncio.gather(
                mine.get(id_),
                mine.count(),
                mine.search([1.0, number, 0, 0, 0, 0, 0, 0], k=1),
                mine.search([1.0, 0, 0, 0, 0, 0, 0, 0], k=1, filter=F("n") == number),
            )
            assert found is not None
            assert count == 1
            assert [hits[0].id, filtered[0].id] == [id_, id_]
            seen = await theirs.get(id_)
            assert seen is not None
            assert seen.metadata == {"n": number}
            assert await mine.delete(id_) == 1
            assert await mine.get(id_) is None
            assert await mine.search([1.0, 0, 0, 0, 0, 0, 0, 0], k=1) == []
            assert await theirs.get(id_) is None
        await mine.upsert([record("later")])
        eventual = mine.with_options(consistency="eventual")
        assert await eventual.count() in {0, 1}


async def test_a_write_that_was_cut_off_is_not_taken_for_undone(
    shared_block: dict[str, Any],
) -> None:
    """What a client remembers of its writes is not believed where one of them ended unknown."""
    async with client_of(shared_block) as ps:
        things = ps.workspace("cancelled").vector("things")
        for number in range(10):
            await things.upsert([record("x", number)])
            await things.delete("x")
            writing = asyncio.create_task(things.upsert([record("x"), record("y")]))
            await asyncio.sleep(0.001 * number)
            writing.cancel()
            # Whoever is quick enough has written before the cut; then there is nothing to doubt.
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            there = await things.with_options(consistency="strong").get_many(["x", "y"])
            assert await things.delete(["x", "y"]) == 2 - there.count(None)


async def test_many_workspaces_of_any_name(shared_block: dict[str, Any]) -> None:
    names = ["w" * 256, "é" * 128, "a", "a:", "1:a", "11:a", "A"]
    async with client_of(shared_block) as ps:
        for number, name in enumerate(names):
            await (
                ps.workspace(name)
                .vector("things")
                .upsert([VectorRecord("x", [1.0 + number] * DIMENSIONS, name)])
            )
        for name in names:
            own = ps.workspace(name).vector("things")
            assert [r.text async for r in own.scan()] == [name]
            assert [hit.text for hit in await own.search([1.0] * DIMENSIONS, k=5)] == [name]
        assert await ps.workspace(names[0]).drop() == 1
        left = set(await ps.workspaces())
        assert left >= set(names[1:])
        assert names[0] not in left


async def test_limits_are_held_and_what_is_over_them_is_refused(
    shared_block: dict[str, Any],
) -> None:
    async with client_of({**shared_block, "timeout": "120s"}) as ps:
        things = ps.workspace("limits").vector("things")
        limits = (await things.capabilities()).limits
        assert limits.k is not None
        assert limits.text_bytes is not None
        assert limits.value_bytes is not None
        row = VectorRecord("a", [1.0] * DIMENSIONS, "é" * (limits.text_bytes // 2))
        await things.upsert([row])
        found = await things.get("a")
        assert found is not None
        assert found.text == row.text
        # What grows most when it is made filterable: short values, keys to be encoded.
        wide = {f".{n:04}": n % 10 for n in range(limits.value_bytes // 10 - 1)}
        await things.upsert([VectorRecord("b", [1.0] * DIMENSIONS, None, wide)])
        await things.upsert(
            [VectorRecord("c", [1.0] * DIMENSIONS, None, {"t": "x" * (limits.value_bytes - 8)})]
        )
        for text, metadata in (
            ("x" * (limits.text_bytes + 1), {}),
            ("", {"t": "x" * limits.value_bytes}),
        ):
            with pytest.raises(LimitExceeded):
                await things.upsert([VectorRecord("d", [1.0] * DIMENSIONS, text, metadata)])
        assert await things.get("d") is None
        assert len(await things.search([1.0] * DIMENSIONS, k=limits.k)) == 3
        with pytest.raises(LimitExceeded):
            await things.search([1.0] * DIMENSIONS, k=limits.k + 1)
        many = await things.search_many(matrix(limits.k + 5), k=1)
        assert [len(hits) for hits in many] == [1] * (limits.k + 5)


async def test_rows_over_several_segments_are_each_there_once(shared_block: dict[str, Any]) -> None:
    """Sealed, growing, replaced and deleted ones, in order and counted."""
    async with client_of({**shared_block, "timeout": "120s"}, "segments") as ps:
        rows = ps.vector("segments")
        stored: dict[str, int] = {}
        for turn in range(3):
            async with rows.bulk():
                ids = [f"{n:04}" for n in range(turn * 400, turn * 400 + 1200)]
                meta = [{"turn": turn}] * len(ids)
                await rows.upsert_arrays(ids, matrix(len(ids), seed=turn), metadata=meta)
                stored |= dict.fromkeys(ids, turn)
            gone = [f"{n:04}" for n in range(turn, 2000, 7)]
            assert await rows.delete(gone) == len([id_ for id_ in gone if id_ in stored])
            for id_ in gone:
                stored.pop(id_, None)
            scanned = [(r.id, r.metadata["turn"]) async for r in rows.scan()]
            assert scanned == sorted(stored.items())
            assert await rows.count() == len(stored)
            for number in range(turn + 1):
                expected = sum(value == number for value in stored.values())
                assert await rows.count(F("turn") == number) == expected
