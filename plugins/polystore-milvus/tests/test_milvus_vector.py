"""Vector stores on a Milvus server: writes, reads, times, names that are data."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
import pytest

from polystore import F, VectorRecord
from polystore.errors import LimitExceeded

from .clients import DIMENSIONS, client_of, matrix

LARGE = 5000
TRICKY = [
    '"',
    "'",
    "\\",
    '\\"',
    "\\\\",
    "\n",
    "\r\n",
    "\t",
    "\x01\x1f\x7f",
    "%",
    "_",
    "a%b_c",
    "{}",
    "{a}",
    "$meta",
    " ",
    "  a  ",
    "' or 1 == 1 or id == '",
    '" or 1 == 1 or id == "',
    '"] or pk != "',
    "pk",
    "id in [1]",
    "--",
    "/*",
    "é",
    "e\u0301",
    "名前",
    "\U0001f600",
    "\ud7ff\ue000\uffff\U0010ffff",
    "\u2028",
    "x" * 512,
    "é" * 256,
]


async def test_the_event_loop_goes_on_during_a_load_and_many_searches(
    block: dict[str, Any],
) -> None:
    """One upsert of 5,000 x 384 and searches for 2,000 vectors leave others their turns."""
    vectors = matrix(LARGE, 384)
    gaps: list[float] = []

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    async def turns(work: Any) -> tuple[int, float]:
        """Return how many ticks there were, and which part of the time was the longest gap."""
        gaps.clear()
        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await work
        took = time.perf_counter() - begun
        ticking.cancel()
        return len(gaps), max(gaps) / took

    async with client_of({**block, "timeout": "120s"}, dimensions=384) as ps:
        chunks = ps.vector("chunks")
        ids = [f"{n:05}" for n in range(LARGE)]
        meta = [{"n": n} for n in range(LARGE)]
        ticks, part = await turns(chunks.upsert_arrays(ids, vectors, metadata=meta))
        # In one piece it would be one gap, as long as the whole.
        assert ticks > 20
        assert part < 0.5
        ticks, part = await turns(chunks.search_many(vectors[:2000], k=10))
        assert ticks > 20
        assert part < 0.5
        assert await chunks.count() == LARGE


async def test_names_of_users_are_data(block: dict[str, Any]) -> None:
    """Every text, as id, text, key, value and workspace, comes back and reaches nobody else's."""
    vectors = matrix(len(TRICKY))
    records = [
        VectorRecord(text, vector, text, {text: text, "list": [text, {text: text}], "o": {text: 1}})
        for text, vector in zip(TRICKY, vectors, strict=True)
    ]
    spaces = ["one", *(text for text in TRICKY if len(text.encode()) <= 256 and text.strip())]
    async with client_of(block) as ps:
        for space in spaces:
            await ps.workspace(space).vector("chunks").upsert(records)
        assert set(await ps.workspaces()) == set(spaces)
        for space in (spaces[0], spaces[1], spaces[-1]):
            own = ps.workspace(space).vector("chunks")
            found = await own.get_many(TRICKY)
            assert [(r.id, r.text, r.metadata) for r in found if r] == [
                (r.id, r.text, r.metadata) for r in records
            ]
            assert [r.id async for r in own.scan()] == sorted(TRICKY)
            for text in TRICKY:
                for wanted in (
                    F((text,)) == text,
                    F.meta("id") == text,
                    F.meta("id").is_in([text]),
                    F("list").contains(text),
                    F("o", text) == 1,
                    F((text,)).starts_with(text[:3]) & (F.meta("id") == text),
                    ~(F((text,)) != text),
                ):
                    assert await own.count(wanted) == 1, (text, wanted)
        victim, spared = (ps.workspace(space).vector("chunks") for space in spaces[:2])
        for text in TRICKY:
            assert await victim.update_metadata({text: {"seen": text}}) == []
        assert await victim.delete(TRICKY[::2]) == len(TRICKY[::2])
        assert await victim.delete(filter=F("seen").exists()) == len(TRICKY[1::2])
        assert await victim.count() == 0
        assert await spared.count() == len(TRICKY)
        assert await spared.count(F("seen").exists()) == 0


async def test_many_workspaces_of_any_name(block: dict[str, Any]) -> None:
    names = ["w" * 256, "é" * 128, "a", "a:", "1:a", "11:a", "A"]
    async with client_of(block) as ps:
        for number, name in enumerate(names):
            await (
                ps.workspace(name)
                .vector("chunks")
                .upsert([VectorRecord("x", [1.0 + number] * DIMENSIONS, name)])
            )
        for name in names:
            own = ps.workspace(name).vector("chunks")
            assert [r.text async for r in own.scan()] == [name]
            assert [hit.text for hit in await own.search([1.0] * DIMENSIONS, k=5)] == [name]
        assert await ps.workspace(names[0]).drop() == 1
        assert set(await ps.workspaces()) == set(names[1:])


async def test_created_at_is_kept_and_versions_rise(block: dict[str, Any]) -> None:
    row = VectorRecord("a", [1.0] * DIMENSIONS, "text", {"n": 0})
    async with client_of(block) as ps, client_of(block) as other:
        chunks, theirs = ps.vector("chunks"), other.vector("chunks")
        await chunks.upsert([row])
        first = await chunks.get("a")
        assert first is not None
        assert first.created_at is not None
        assert first.version is not None
        version = first.version

        async def replaced(store: Any) -> None:
            nonlocal version
            await store.upsert([row])
            now = await store.get("a")
            assert now.created_at == first.created_at
            assert now.version > version
            assert now.updated_at > first.updated_at
            version = now.version

        for _ in range(5):
            await replaced(chunks)
        await chunks.update_metadata({"a": {"n": 1}})
        await replaced(chunks)
        # Another client sees at once what it asks for strongly.
        await replaced(theirs.with_options(consistency="strong"))
        await asyncio.sleep(2.5)  # nothing is remembered any more
        await replaced(chunks)
        await replaced(theirs)
        await chunks.delete("a")
        await chunks.upsert([row])
        anew = await chunks.get("a")
        assert anew is not None
        assert anew.created_at is not None
        assert anew.created_at > first.created_at, "a deleted row comes into being anew"


async def test_concurrent_writes_of_a_client_lose_nothing(block: dict[str, Any]) -> None:
    async with client_of(block) as ps:
        chunks = ps.vector("chunks")
        ids = [f"r{n}" for n in range(5)]
        await chunks.upsert([VectorRecord(id_, [1.0] * DIMENSIONS) for id_ in ids])

        async def patch(number: int) -> None:
            assert await chunks.update_metadata({id_: {f"k{number}": 1} for id_ in ids}) == []

        await asyncio.gather(*map(patch, range(10)))
        for record in await chunks.get_many(ids):
            assert record is not None
            assert sorted(record.metadata) == [f"k{n}" for n in range(10)]

        async def churn(number: int) -> None:
            for turn in range(4):
                await chunks.upsert([VectorRecord("x", [1.0 + number] * DIMENSIONS, str(turn))])
                await chunks.delete(["x"])

        await asyncio.gather(*map(churn, range(5)))
        assert await chunks.get("x") is None
        assert await chunks.count() == len(ids)


async def test_a_row_that_another_client_has_just_written_is_deleted(
    block: dict[str, Any],
) -> None:
    async with client_of(block) as ps, client_of(block) as other:
        ours, theirs = ps.vector("chunks"), other.vector("chunks")
        for number in range(10):
            id_ = f"r{number}"
            await theirs.upsert([VectorRecord(id_, [1.0] * DIMENSIONS)])
            await ours.delete([id_])
        strong = ours.with_options(consistency="strong")
        assert await strong.count() == 0
        assert await theirs.with_options(consistency="strong").get_many(["r0", "r9"]) == [None] * 2
        await theirs.upsert([VectorRecord("last", [1.0] * DIMENSIONS, None, {"n": 1})])
        assert await ours.delete(filter=F("n") == 1) == 1, "filters see what anybody has stored"


async def test_a_client_reads_its_own_writes(block: dict[str, Any]) -> None:
    async with client_of(block) as ps, client_of(block) as other:
        chunks = ps.vector("chunks")
        for number in range(30):
            await chunks.upsert([VectorRecord("a", [1.0] * DIMENSIONS, str(number), {"n": number})])
            if number % 3 == 0:
                record = await chunks.get("a")
                assert record is not None
                assert record.text == str(number)
            elif number % 3 == 1:
                assert await chunks.count(F("n") == number) == 1
            else:
                (hit,) = await chunks.search([1.0] * DIMENSIONS, k=5)
                assert hit.text == str(number)
            if number % 5 == 0:
                strong = other.vector("chunks").with_options(consistency="strong")
                record = await strong.get("a")
                assert record is not None
                assert record.text == str(number)
        await chunks.delete(["a"])
        assert await chunks.get("a") is None
        eventual = chunks.with_options(consistency="eventual")
        async with asyncio.timeout(30):
            while await eventual.count():  # noqa: ASYNC110 - whenever the server gets to it
                await asyncio.sleep(0.01)


async def test_batches_and_answers_over_the_message_limit(block: dict[str, Any]) -> None:
    """Rows of 75 kB: written in pieces, and asked for in pieces."""
    rows = 1000
    ids = [f"{n:05}" for n in range(rows)]
    vectors = matrix(rows)
    async with client_of({**block, "timeout": "200s"}) as ps:
        chunks = ps.vector("chunks")
        await chunks.upsert_arrays(
            ids,
            vectors,
            texts=["t" * 60_000] * rows,
            metadata=[{"n": n, "pad": "p" * 15_000} for n in range(rows)],
        )
        found = await chunks.get_many(ids)
        assert [record.id for record in found if record] == ids
        assert [record.id async for record in chunks.scan()] == ids
        hits = await chunks.search(vectors[0], k=rows)
        assert len(hits) == rows
        assert hits[0].id == ids[0]
        assert await chunks.update_metadata({id_: {"seen": True} for id_ in ids}) == []
        assert await chunks.count(F("seen") == True) == rows  # noqa: E712 - a filter
        assert await chunks.delete(filter=F("n") >= 0) == rows


async def test_vectors_of_many_dimensions(block: dict[str, Any]) -> None:
    """128 kB a vector: 600 of them are two messages, in both directions."""
    rows, dimensions = 600, 32_768
    vectors = np.zeros((rows, dimensions), np.float32)
    vectors[np.arange(rows), np.arange(rows)] = 1
    ids = [f"{n:05}" for n in range(rows)]
    async with client_of({**block, "timeout": "200s"}, dimensions=dimensions) as ps:
        chunks = ps.vector("chunks")
        await chunks.upsert_arrays(ids, vectors)
        seen = 0
        async for record in chunks.scan(with_vectors=True):
            assert record.vector is not None
            assert record.vector[seen] == 1
            seen += 1
        assert seen == rows
        hits = await chunks.search(vectors[5], k=rows, with_vectors=True)
        assert len(hits) == rows
        assert hits[0].id == "00005"
        assert await chunks.update_metadata({id_: {"x": 1} for id_ in ids}) == []
        record = await chunks.get("00599")
        assert record is not None
        assert record.vector is not None
        assert record.vector[599] == 1


async def test_limits_are_held_and_what_is_over_them_is_refused(block: dict[str, Any]) -> None:
    async with client_of({**block, "timeout": "120s"}) as ps:
        chunks = ps.vector("chunks")
        limits = (await chunks.capabilities()).limits
        assert limits.k is not None
        assert limits.text_bytes is not None
        assert limits.value_bytes is not None
        row = VectorRecord("a", [1.0] * DIMENSIONS, "é" * (limits.text_bytes // 2))
        await chunks.upsert([row])
        found = await chunks.get("a")
        assert found is not None
        assert found.text == row.text
        # What grows most when it is made filterable: short values, keys to be encoded.
        wide = {f".{n:04}": n % 10 for n in range(limits.value_bytes // 10 - 1)}
        await chunks.upsert([VectorRecord("b", [1.0] * DIMENSIONS, None, wide)])
        await chunks.upsert(
            [VectorRecord("c", [1.0] * DIMENSIONS, None, {"t": "x" * (limits.value_bytes - 8)})]
        )
        for text, metadata in (
            ("x" * (limits.text_bytes + 1), {}),
            ("", {"t": "x" * limits.value_bytes}),
        ):
            with pytest.raises(LimitExceeded):
                await chunks.upsert([VectorRecord("d", [1.0] * DIMENSIONS, text, metadata)])
        assert await chunks.get("d") is None
        assert len(await chunks.search([1.0] * DIMENSIONS, k=limits.k)) == 3
        with pytest.raises(LimitExceeded):
            await chunks.search([1.0] * DIMENSIONS, k=limits.k + 1)
        many = await chunks.search_many(matrix(limits.k + 5), k=1)
        assert [len(hits) for hits in many] == [1] * (limits.k + 5)


async def test_rows_over_several_segments_are_each_there_once(block: dict[str, Any]) -> None:
    """Sealed, growing, replaced and deleted ones, in order and counted."""
    async with client_of({**block, "timeout": "120s"}) as ps:
        chunks = ps.vector("chunks")
        stored: dict[str, int] = {}
        for turn in range(3):
            async with chunks.bulk():
                ids = [f"{n:04}" for n in range(turn * 400, turn * 400 + 1200)]
                meta = [{"turn": turn}] * len(ids)
                await chunks.upsert_arrays(ids, matrix(len(ids), seed=turn), metadata=meta)
                stored |= dict.fromkeys(ids, turn)
            gone = [f"{n:04}" for n in range(turn, 2000, 7)]
            assert await chunks.delete(gone) == len([id_ for id_ in gone if id_ in stored])
            for id_ in gone:
                stored.pop(id_, None)
            scanned = [(r.id, r.metadata["turn"]) async for r in chunks.scan()]
            assert scanned == sorted(stored.items())
            assert await chunks.count() == len(stored)
            for number in range(turn + 1):
                expected = sum(value == number for value in stored.values())
                assert await chunks.count(F("turn") == number) == expected
