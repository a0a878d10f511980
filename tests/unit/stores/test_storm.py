"""Many callers at once, many of whom give up: nothing is lost, mixed up, or left behind."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

import polystore
from polystore.errors import OperationTimeout

CONFIG: dict[str, Any] = {
    "backends": {"main": {"use": "memory", "max_in_flight": 3}},
    "stores": {"cache": {"kind": "kv"}, "docs": {"kind": "doc", "indexes": ["n"]}},
}
WRITERS = 25
WRITES = 20


def dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - chance that can be repeated, not a secret


async def write(ps: polystore.Polystore, name: str, chance: random.Random) -> tuple[int, int]:
    """Write growing numbers, giving up some; return the last that was acknowledged, and tried."""
    acknowledged = number = 0
    for number in range(1, WRITES + 1):
        patience = chance.choice([0.0002, 0.001, 0.003, 5.0])
        kv = ps.kv("cache").with_options(timeout=chance.choice([0.0003, 0.002, 5.0]))
        try:
            await asyncio.wait_for(kv.put(name, number), patience)
            acknowledged = number
        except (TimeoutError, OperationTimeout):
            continue
        seen = await ps.kv("cache").get(name)
        assert seen == acknowledged, f"{name}: wrote {acknowledged}, read {seen}"
    return acknowledged, number


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_acknowledged_is_there_whoever_gave_up(seed: int) -> None:
    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with polystore.open(CONFIG) as ps:
        names = [f"w{n}" for n in range(WRITERS)]
        done = await asyncio.gather(*(write(ps, name, dice(f"{seed}{name}")) for name in names))
        bound = ps.runtime.bound("kv", "cache")
        await asyncio.gather(*bound.gate.background())
        assert not bound.coalescer.busy
        stored = await ps.kv("cache").get_many(names)
        for name, value, (acknowledged, tried) in zip(names, stored, done, strict=True):
            assert acknowledged <= (value or 0) <= tried, name
        # Every slot of the gate was given back.
        async with asyncio.timeout(5):
            await asyncio.gather(*(ps.kv("cache").get(name) for name in names))
    assert troubles == []


async def test_a_client_that_closes_under_load_leaves_nobody_waiting() -> None:
    troubles: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with polystore.open(CONFIG) as ps:
        kv, docs = ps.kv("cache"), ps.doc("docs")
        calls = [asyncio.create_task(kv.put(f"k{n}", n)) for n in range(50)]
        calls += [asyncio.create_task(docs.put(f"d{n}", {"n": n})) for n in range(50)]
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        done = await asyncio.gather(*calls, return_exceptions=True)
    assert all(one is None or isinstance(one, polystore.PolystoreError) for one in done)
    assert troubles == []
