"""Large batches, which are stored without a script where nobody writes beside them."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import DataCorruption, PolystoreError, SchemaMismatch
from polystore.testing.checks import eventually
from polystore_redis import kv, kv_plain
from polystore_redis.held import Held

from .clients import client_of
from .test_redis_foreign import everything, row_of
from .test_redis_kv import THINGS, agree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from servers.redis import RedisServer

    from polystore import KVStore

KEYS = [f"ключ {n}" for n in range(kv_plain.FEWEST)]


def counts(raw: Any) -> tuple[int, int]:
    """Return how many transactions and how many scripts a server has carried out."""
    told = raw.info("commandstats")
    exec_, script = (told.get(f"cmdstat_{name}", {"calls": 0}) for name in ("exec", "evalsha"))
    return exec_["calls"], script["calls"]


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[object]]) -> None:
    """Do something else once, after the look of the next large batch and before it goes on."""
    answers, acts = Held.answers, [act]

    async def answered(self: Held, count: int) -> list[Any]:
        found = await answers(self, count)
        while acts:
            await acts.pop()()
        return found

    monkeypatch.setattr(Held, "answers", answered)


async def test_no_script_for_what_is_new(redis7: RedisServer, block: dict[str, Any]) -> None:
    values: dict[str, Any] = {key: {"n": n} for n, key in enumerate(KEYS)} | {"new": b"\x00\xff"}
    async with client_of(block, THINGS) as ps:
        things = ps.kv("things")
        with redis7.client() as raw:
            before = counts(raw)
            await things.put_many(dict.fromkeys(KEYS, b"\x00\xff"))
            assert counts(raw) == (before[0] + 1, before[1])
            first = await things.get_entries(KEYS)
            await things.put_many(values)
            assert counts(raw) == (before[0] + 1, before[1] + 1)
            await agree(raw, block)
        second = await things.get_entries(values)
        assert [entry and entry.value for entry in second] == list(values.values())
        for old, new in zip(first, second, strict=False):
            assert old is not None
            assert new is not None
            assert old.value == b"\x00\xff"
            assert old.created_at == old.updated_at == new.created_at
            assert new.version > old.version
            assert old.expires_at is None
        assert await things.count() == len(values)


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("what", ["put", "delete", "clear", "ttl"])
async def test_what_is_written_meanwhile_counts(
    redis7: RedisServer,
    block: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    there: bool,
) -> None:
    async with client_of(block, THINGS) as ps, client_of(block, THINGS) as other:
        mine, theirs = ps.kv("things"), other.kv("things")
        key = KEYS[7]
        if there:
            await mine.put_many(dict.fromkeys(KEYS, 0))
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "put": lambda: theirs.put(key, 1),
            "delete": lambda: theirs.delete(key),
            "clear": theirs.clear,
            "ttl": lambda: theirs.put(key, 1, ttl=600),
        }
        between: list[Any] = []

        async def act() -> None:
            between.append(await theirs.get_entry(key))
            await acts[what]()
            between.append(await theirs.get_entry(key))

        meanwhile(monkeypatch, act)
        await mine.put_many(dict.fromkeys(KEYS, 2))
        entry = await mine.get_entry(key)
        before, after = between
        assert entry is not None
        assert (entry.value, entry.expires_at) == (2, None)
        if after is not None:
            assert entry.version > after.version
            assert entry.created_at == after.created_at
        elif before is not None:
            assert entry.version > before.version
            assert entry.created_at == entry.updated_at
        assert await mine.count() == len(KEYS)
        with redis7.client() as raw:
            await agree(raw, block)


async def test_lists_agree_with_rows_whoever_writes(
    redis7: RedisServer, block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes' worth of clients, with every batch large and nobody giving way."""
    monkeypatch.setattr(kv, "FEWEST", 1)
    monkeypatch.setattr(kv_plain, "_PATIENCE", 0)
    keys = KEYS[:12]

    async def work(things: KVStore, seed: int) -> None:
        choose = random.Random(seed)  # noqa: S311
        versions: dict[str, int] = {}
        for _ in range(100):
            chosen = choose.sample(keys, choose.randint(1, 8))
            what = choose.randrange(6)
            if what == 0:
                await things.delete_many(chosen)
            elif what == 1:
                await things.put_many(dict.fromkeys(chosen, 1), ttl=0.002)
            else:
                await things.put_many(dict.fromkeys(chosen, what))
            for entry in await things.get_entries(chosen):
                if entry is not None:
                    assert entry.version >= versions.get(entry.key, 0)
                    versions[entry.key] = entry.version

    async with client_of(block, THINGS) as ps, client_of(block, THINGS) as other:
        for part in range(3):
            await asyncio.gather(
                *(
                    work(one.kv("things"), 10 * part + seed)
                    for seed in (1, 2)
                    for one in (ps, other)
                )
            )
            with redis7.client() as raw:
                await agree(raw, block)


async def test_what_expired_before_it_was_put_again_stays(
    redis7: RedisServer, block: dict[str, Any]
) -> None:
    async with client_of(block, THINGS) as ps:
        things = ps.kv("things")
        await things.put_many(dict.fromkeys(KEYS, 1), ttl=0.001)

        async def gone() -> bool:
            return await things.count() == 0

        await eventually(gone, what="every entry has expired")
        await things.put_many(dict.fromkeys(KEYS, 2))
        assert await things.count() == len(KEYS)
        with redis7.client() as raw:
            await agree(raw, block)


async def test_versions_grow_over_a_clock_that_was_set_back(
    redis7: RedisServer, block: dict[str, Any]
) -> None:
    async with client_of(block, THINGS) as ps:
        things = ps.kv("things")
        await things.put("first", 1)
        ahead = 2**52
        with redis7.client() as raw:
            (key,) = raw.keys(f"{block['namespace']}:*:v")
            raw.set(key, ahead)
        for more in (1, 2):
            await things.put_many(dict.fromkeys(KEYS, 1))
            entry = await things.get_entry(KEYS[0])
            assert entry is not None
            assert entry.version == ahead + more


async def test_others_of_one_process_take_turns(redis7: RedisServer, block: dict[str, Any]) -> None:
    async with client_of(block, THINGS) as ps:
        things = ps.kv("things")
        await things.put("warm", 1)
        with redis7.client() as raw:
            before = counts(raw)
            await asyncio.gather(
                *(things.put_many({f"{n} {key}": n for key in KEYS}) for n in range(8))
            )
            assert counts(raw) == (before[0] + 8, before[1])
        assert await things.count() == 8 * len(KEYS) + 1


async def test_foreign_keys_are_refused_and_nothing_is_changed(
    redis7: RedisServer, block: dict[str, Any]
) -> None:
    async with client_of(block) as ps:
        things = ps.kv("things")
        await things.put("known", 1)
        with redis7.client() as raw:
            row = row_of(raw, block, "things", KEYS[5].encode())
            for kind, make in (
                (SchemaMismatch, lambda: raw.rpush(row, "x")),
                (DataCorruption, lambda: raw.set(row, b"x" * 50)),
            ):
                raw.delete(row)
                make()
                before = everything(raw, block)
                for _ in range(2):
                    with pytest.raises(PolystoreError) as caught:
                        await things.put_many(dict.fromkeys(["known", *KEYS], 1))
                    assert isinstance(caught.value, kind)
                assert everything(raw, block) == before


@pytest.mark.parametrize("command", ["watch", "multi", "exec", "discard", "@transaction"])
async def test_a_user_who_may_begin_no_transaction(
    redis7: RedisServer, block: dict[str, Any], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(kv_plain, "_PATIENCE", 0)
    with redis7.client() as raw:
        name = block["namespace"]
        raw.execute_command("ACL", "SETUSER", name, "on", ">word", "~*", "+@all", f"-{command}")
        try:
            user = {**block, "username": name, "password": "word", "pool": {"max": 1}}
            async with client_of(user, THINGS) as ps:
                things = ps.kv("things")
                for value in range(3):
                    await things.put_many(dict.fromkeys(KEYS, value))
                    assert await things.get_many(KEYS) == [value] * len(KEYS)
                await agree(raw, block)
        finally:
            raw.execute_command("ACL", "DELUSER", name)


async def test_a_server_that_is_full_says_so_and_keeps_what_it_had(
    redis7: RedisServer, block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(block, THINGS) as ps:
        things = ps.kv("things")
        await things.put_many(dict.fromkeys(KEYS, 1))
        with redis7.client() as raw:
            limit = raw.config_get("maxmemory")["maxmemory"]

            async def fill() -> None:
                raw.config_set("maxmemory", 1)

            meanwhile(monkeypatch, fill)
            try:
                with pytest.raises(PolystoreError, match="OOM"):
                    await things.put_many(dict.fromkeys(KEYS, 2))
            finally:
                raw.config_set("maxmemory", limit)
        assert await things.get_many(KEYS) == [1] * len(KEYS)


async def test_a_batch_that_is_given_up_leaves_no_trace(
    block: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gets the connection next is neither in a transaction nor watching."""
    async with client_of({**block, "pool": {"max": 1}}, THINGS) as ps:
        things = ps.kv("things")
        await things.put("warm", 1)
        reached = asyncio.Event()

        async def wait() -> None:
            reached.set()
            await asyncio.sleep(60)

        meanwhile(monkeypatch, wait)
        writing = asyncio.create_task(things.put_many(dict.fromkeys(KEYS, 1)))
        await reached.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await things.count() == 1
        await things.put_many(dict.fromkeys(KEYS, 2))
        assert await things.get_many(KEYS) == [2] * len(KEYS)
