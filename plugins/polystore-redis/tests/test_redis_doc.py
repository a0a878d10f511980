"""Documents on Redis: what is read, partitions, indexes that grow, and other people's keys."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import polystore
from polystore import F
from polystore.errors import Conflict, SchemaMismatch
from polystore.types.reports import Progress

from .clients import STORES, client_of, settings_of

if TYPE_CHECKING:
    from servers.redis import RedisServer

SPREAD = {
    "things": {"kind": "kv", "options": {"redis": {"partitions": 7}}},
    "papers": STORES["papers"] | {"options": {"redis": {"partitions": 7}}},
}


def papers(count: int) -> dict[str, dict[str, Any]]:
    """Return documents with ties, missing and mixed values, always the same."""
    chance = random.Random(7)  # noqa: S311
    found: dict[str, dict[str, Any]] = {}
    for number in range(count):
        data: dict[str, Any] = {"n": chance.choice([1, 2, 2.5, "x", None, True, -3])}
        if chance.random() < 0.8:
            data["group"] = chance.choice(["a", "b", "ab", "", None, 4])
        found[f"d{number:04}"] = data
    return found


async def test_partitions_change_no_answer(block: dict[str, Any]) -> None:
    rows = papers(700)
    async with (
        client_of(block) as one,
        client_of({**block, "namespace": block["namespace"] + "-spread"}, SPREAD) as many,
    ):
        for ps in (one, many):
            await ps.doc("papers").put_many(rows)
            await ps.kv("things").put_many(dict.fromkeys(rows, 1))
        questions: list[dict[str, Any]] = [
            {"sort": sort, "filter": filter_, "limit": limit, "offset": offset}
            for sort in (None, "group", "-n", ["group", "-n"], ["-group"], "meta:id")
            for filter_ in (None, F("group") == "a", F("group").is_in(["a", "b"]), F("n") > 1)
            for limit, offset in ((13, 0), (200, 5))
        ]
        for question in questions:
            asked = {name: value for name, value in question.items() if value is not None}
            first, second = [
                [document.id for document in (await ps.doc("papers").find(**asked)).items]
                for ps in (one, many)
            ]
            assert first == second, question
        for ps in (one, many):
            keys = [entry.key async for entry in ps.kv("things").scan()]
            assert keys == sorted(rows)
            assert await ps.kv("things").count() == len(rows)
        counted = [await ps.doc("papers").count_by("group") for ps in (one, many)]
        assert counted[0] == counted[1]
        assert {count.value: count.count for count in counted[0]} == {
            value: sum(data.get("group", "missing") == value for data in rows.values())
            for value in ("", "a", "ab", "b", None, 4)
        }


async def test_pages_and_counts_read_only_what_they_return(
    block: dict[str, Any], redis7: RedisServer
) -> None:
    async with client_of(block) as ps:
        docs = ps.doc("papers")
        await docs.put_many({f"d{n}": {"group": f"g{n % 50}", "n": n} for n in range(3000)})
        with redis7.client() as server:
            server.config_resetstat()
            page = await docs.find(F("group") == "g7", sort=["-n"], limit=10)
            assert [d.data["n"] for d in page.items] == [2957 - 50 * n for n in range(10)]
            assert await docs.count(F("group") == "g7") == 60
            assert len(await docs.count_by("group")) == 50
            stats = server.info("commandstats")
        assert stats["cmdstat_mget"]["calls"] == 1
        for command in ("scan", "keys", "zscan", "zrange", "get"):
            assert f"cmdstat_{command}" not in stats, command
        explained = await docs.explain(F("group") == "g7", sort=["-n"], limit=10)
        assert (explained.how, explained.access) == ("native", "index")
        explained = await docs.explain(F("other") == 1, limit=10)
        assert explained.how == "emulated"


async def test_members_of_indexes_follow_their_documents(
    block: dict[str, Any], redis7: RedisServer
) -> None:
    async with client_of(block) as ps:
        docs = ps.doc("papers")
        for number in range(3):
            await docs.put_many({f"d{n}": {"group": "g", "n": number} for n in range(20)})
        await docs.delete([f"d{n}" for n in range(5)])
        with redis7.client() as server:
            sets = {
                key: server.zcard(key)
                for key in server.scan_iter(f"{block['namespace']}:*")
                if server.type(key) == b"zset"
            }
            assert list(sets.values()) == [15] * 4, sets
            await docs.delete(filter=F("group") == "g")
            assert not [k for k in server.scan_iter(f"{block['namespace']}:*") if b":r:" in k]
            assert not any(server.zcard(key) for key in sets)


async def test_an_index_is_built_over_what_is_there_and_old_writers_are_refused(
    block: dict[str, Any],
) -> None:
    few = {"papers": {"kind": "doc", "indexes": ["group"]}}
    more = {"papers": {"kind": "doc", "indexes": ["group", "-n", "meta:updated_at"]}}
    async with client_of(block, few) as old:
        await old.doc("papers").put_many({f"d{n}": {"group": 1, "n": n} for n in range(500)})
        async with client_of(block, more) as new:
            page = await new.doc("papers").find(sort="-n", limit=3)
            assert [document.id for document in page.items] == ["d499", "d498", "d497"]
            assert (await new.doc("papers").explain(sort="-n", limit=3)).access == "index"
            with pytest.raises(SchemaMismatch, match="an index was added") as caught:
                await old.doc("papers").put("d1", {"n": -1})
            assert "Open the client again" in str(caught.value)
            await new.doc("papers").put("d1", {"n": 1000})
            page = await new.doc("papers").find(sort="-n", limit=2)
            assert [document.id for document in page.items] == ["d1", "d499"]
            page = await new.doc("papers").find(sort="-meta:updated_at", limit=1)
            assert [document.id for document in page.items] == ["d1"]


async def test_how_far_a_new_index_is(block: dict[str, Any]) -> None:
    few = {"papers": {"kind": "doc", "indexes": ["group"]}}
    more = {"papers": {"kind": "doc", "indexes": ["group", "-n"]}}
    seen: list[Progress] = []
    async with client_of(block, few) as ps:
        for workspace in ("one", "two"):
            papers = ps.workspace(workspace).doc("papers")
            await papers.put_many({f"d{n}": {"n": n} for n in range(250)})
    async with polystore.open(settings_of(block, more), schema="off") as ps:
        assert [change.action for change in await ps.apply(progress=seen.append)] == ["add_index"]
        assert await ps.plan() == []
    whole = Progress("main", "indexes of papers", "filling", 500, 500, "documents")
    assert seen[0] == replace(whole, done=0)
    assert seen[-1] == whole


async def test_a_key_of_another_type_is_told_and_nothing_is_stored(
    block: dict[str, Any], redis7: RedisServer
) -> None:
    async with client_of(block) as ps:
        await ps.doc("papers").put("a", {})
        await ps.kv("things").put("a", 1)
        with redis7.client() as server:
            for key in list(server.scan_iter(f"{block['namespace']}:*:r:a")):
                server.delete(key)
                server.lpush(key, "mine")
            for write in (
                ps.doc("papers").put_many({"b": {}, "a": {}}),
                ps.kv("things").put_many({"b": 1, "a": 2}),
            ):
                with pytest.raises(SchemaMismatch, match="WRONGTYPE"):
                    await write
        assert await ps.doc("papers").get("b") is None
        assert await ps.kv("things").get("b") is None


async def test_somebody_elses_catalogue(block: dict[str, Any], redis7: RedisServer) -> None:
    with redis7.client() as server:
        server.set(f"{block['namespace']}:catalogue", "mine")
    with pytest.raises(SchemaMismatch, match="WRONGTYPE"):
        await client_of(block).__aenter__()


async def test_a_layout_of_the_future_is_refused(
    block: dict[str, Any], redis7: RedisServer
) -> None:
    async with client_of(block):
        pass
    with redis7.client() as server:
        server.hset(f"{block['namespace']}:layout", "2", '{"checksum": "x", "at": "later"}')
    with pytest.raises(SchemaMismatch, match="step 2 of the layout"):
        await client_of(block).__aenter__()


async def test_a_layout_step_of_another_text_is_refused(
    block: dict[str, Any], redis7: RedisServer
) -> None:
    async with client_of(block) as ps:
        await ps.kv("things").put("a", 1)
    layout = f"{block['namespace']}:layout"
    with redis7.client() as server:
        good = server.hget(layout, "1")
        server.hset(layout, "1", '{"checksum": "x", "at": "before"}')
        with pytest.raises(SchemaMismatch, match="step 1 of the layout") as told:
            await client_of(block).__aenter__()
        assert "another namespace" in str(told.value.hint)
        server.hset(layout, "1", good)
    async with client_of(block) as ps:
        assert await ps.kv("things").get("a") == 1


async def test_racing_writers_lose_no_update(block: dict[str, Any]) -> None:
    import asyncio

    async with client_of(block) as first, client_of(block) as second:
        await first.doc("papers").put("n", {"n": 0})

        async def add(ps: Any) -> None:
            while True:
                document = await ps.doc("papers").get_document("n")
                changed = {"n": document.data["n"] + 1}
                try:
                    await ps.doc("papers").compare_and_set("n", changed, document.version)
                except Conflict:
                    continue
                return

        await asyncio.gather(*(add(ps) for ps in (first, second) for _ in range(40)))
        found = await first.doc("papers").get("n")
        assert found == {"n": 80}
        (top,) = (await first.doc("papers").find(sort="-n", limit=1)).items
        assert top.data == {"n": 80}
