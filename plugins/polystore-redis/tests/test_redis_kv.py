"""The lists beside entries: what each of them has to hold, whatever was written in which order."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from polystore.errors import Conflict
from polystore.testing.checks import eventually

from .clients import client_of

if TYPE_CHECKING:
    from servers.redis import RedisServer

    from polystore import KVStore

THINGS = {"things": {"kind": "kv"}}
TTLS = (None, 0.001, 0.003, 0.02, 600)


async def agree(raw: Any, block: dict[str, Any]) -> None:
    """Check that rows, their times to live, and the lists of a server say the same.

    An entry that has expired may be in the lists until the next write; nothing else may.
    """
    for row in raw.keys(f"{block['namespace']}:*:r:*"):
        prefix, key = row.split(b"r:", 1)
        with raw.pipeline() as pipeline:
            pipeline.execute_command("PEXPIRETIME", row)
            pipeline.zscore(prefix + b"i", key)
            pipeline.zscore(prefix + b"x", key)
            expires, listed, expiring = pipeline.execute()
        if expires == -2:
            continue  # expired just now
        assert listed == 0, key
        assert expiring == (None if expires == -1 else expires), key
    for ids in raw.keys(f"{block['namespace']}:*:i"):
        prefix = ids.removesuffix(b"i")
        expiring = raw.zrange(prefix + b"x", 0, -1)
        for key in raw.zrange(ids, 0, -1):
            assert raw.exists(prefix + b"r:" + key) or key in expiring, key


async def step(kv: KVStore, keys: list[str], choose: random.Random) -> None:
    chosen = choose.sample(keys, choose.randint(1, 12))
    ttl = choose.choice(TTLS)
    what = choose.randrange(5)
    if what == 0:
        await kv.delete_many(chosen)
    elif what == 1:
        await kv.put_if_absent(chosen[0], 1, ttl=ttl)
    elif what == 2:
        entry = await kv.get_entry(chosen[0])
        with contextlib.suppress(Conflict):  # others write, and time passes
            await kv.compare_and_set(chosen[0], 2, entry.version if entry else 0, ttl=ttl)
    else:
        await kv.put_many(dict.fromkeys(chosen, 3), ttl=ttl)


@pytest.mark.parametrize("partitions", [1, 3])
async def test_lists_agree_with_rows_whatever_expires(
    redis7: RedisServer, block: dict[str, Any], partitions: int
) -> None:
    spec = {"kind": "kv", "options": {"redis": {"partitions": partitions}}}
    keys = [f"k{n}" for n in range(20)]
    async with client_of(block, {"things": spec}) as ps:
        kv = ps.kv("things")

        async def work(seed: int) -> None:
            choose = random.Random(seed)  # noqa: S311
            for _ in range(150):
                await step(kv, keys, choose)

        with redis7.client() as raw:
            for part in range(3):
                await asyncio.gather(*(work(10 * part + seed) for seed in range(4)))
                await agree(raw, block)
            listed = {entry.key async for entry in kv.scan()}
            there = {key for key, value in zip(keys, await kv.get_many(keys), strict=True) if value}
            # What goes meanwhile has gone from both, or is about to.
            assert there <= listed
            await kv.put_many(dict.fromkeys(keys, 4), ttl=0.001)

            async def gone() -> bool:
                return await kv.count() == 0

            await eventually(gone, what="every entry has expired")
            await kv.put_many(dict.fromkeys(keys, 5))  # which sweeps
            lists = [len(raw.keys(f"{block['namespace']}:*:{name}")) for name in "ix"]
            assert lists == [partitions, 0]


async def test_a_batch_as_large_as_a_call_can_be(block: dict[str, Any]) -> None:
    """A thousand rows of many kinds in one script, written, replaced and written for a while."""
    async with client_of(block, THINGS) as ps:
        kv = ps.kv("things")
        assert (await kv.capabilities()).limits.batch_rows == 1000
        keys = [f"{'ключ' if n % 2 else 'key'} {n} {{}}\r\n" for n in range(1000)]
        first = {key: bytes([n % 256]) * (n % 70) for n, key in enumerate(keys)}
        await kv.put_many(first)
        created = {e.key: e.created_at async for e in kv.scan()}
        assert await kv.get_many(keys) == list(first.values())
        second = {key: {"n": n, "text": "é" * (n % 70)} for n, key in enumerate(keys)}
        await kv.put_many(second, ttl=600)
        assert await kv.get_many(keys) == list(second.values())
        entries = [e async for e in kv.scan()]
        assert {e.key: e.created_at for e in entries} == created
        assert all(e.expires_at and e.created_at != e.updated_at for e in entries)
        await kv.put_many(first)
        entries = [e async for e in kv.scan()]
        assert {e.key: e.value for e in entries} == first
        assert all(e.expires_at is None for e in entries)
        assert await kv.delete_many([*keys, "none"]) == 1000
        assert await kv.count() == 0


async def test_an_entry_that_has_expired_is_made_anew(block: dict[str, Any]) -> None:
    async with client_of(block, THINGS) as ps:
        kv = ps.kv("things")
        await kv.put_many({"a": 1, "b": 2}, ttl=0.01)
        old = await kv.get_entry("a")

        async def gone() -> bool:
            return await kv.get("a") is None

        await eventually(gone, what="the entry has expired")
        await kv.put_many({"a": 3})
        new = await kv.get_entry("a")
        assert new is not None
        assert new.expires_at is None
        if old is not None:
            assert new.created_at != old.created_at
            assert new.version > old.version
        assert [e.key async for e in kv.scan()] == ["a"]
        assert await kv.count() == 1
