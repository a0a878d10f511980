"""`polystore bench`: everything is measured, and nothing of it stays."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import polystore

if TYPE_CHECKING:
    from .conftest import Cli, Configure


def test_every_kind_is_measured_and_emptied_again(cli: Cli, shared: dict[str, Any]) -> None:
    async def prepare() -> None:
        async with polystore.open(shared, schema="auto") as ps:
            await ps.kv("cache").put("mine", 1)

    async def look() -> tuple[list[str], Any]:
        async with polystore.open(shared) as ps:
            return await ps.workspaces(), await ps.kv("cache").get("mine")

    asyncio.run(prepare())
    done = cli(
        "bench", "--rows", "400", "--rows", "800", "--workspaces", "2", "--calls", "5", "--json"
    )
    assert done.code == 0, done.err
    timings = json.loads(done.out)
    assert {timing["place"]["kind"] for timing in timings} == {"kv", "vector", "graph", "doc"}
    assert [timing["place"]["rows"] for timing in timings] == sorted(
        [400, 800] * (len(timings) // 2)
    )
    assert all(timing["per_second"] > 0 for timing in timings)
    assert all(timing["median_ms"] <= timing["p95_ms"] for timing in timings)
    recalls = [timing["recall"] for timing in timings if timing["recall"] is not None]
    assert recalls == [1.0, 1.0]  # the memory backend compares everything
    assert asyncio.run(look()) == (["default"], 1)


def test_one_kind_for_people(cli: Cli, shared: dict[str, Any]) -> None:
    assert shared
    done = cli("bench", "--kind", "kv", "--rows", "100", "--calls", "5")
    assert done.code == 0, done.err
    assert done.lines[0].split()[:4] == ["backend", "store", "rows", "operation"]
    assert all(line.startswith("main") for line in done.lines[1:])
    assert any("get, 64 callers" in line for line in done.lines)


def test_what_cannot_be_measured(cli: Cli, configure: Configure) -> None:
    configure("backends: {main: {use: memory}}")
    unknown = cli("bench", "--kind", "tables")
    assert (unknown.code, unknown.lines) == (1, [])
    assert "no kind of store: tables" in unknown.err
    crowded = cli("bench", "--rows", "100", "--workspaces", "200")
    assert "cannot be spread" in crowded.err
    configure("backends: {one: {use: memory}, two: {use: memory}}")
    nowhere = cli("bench")
    assert "Declare a store of that kind" in nowhere.err


def test_a_backend_out_of_reach_is_told(cli: Cli, configure: Configure) -> None:
    configure(
        "backends: {main: {use: memory}, away: {use: redis, url: 'redis://127.0.0.1:1'}}\n"
        "defaults: {kv: away}\n"
        "stores: {cache: {kind: kv, backend: away, optional: true}}\n"
    )
    done = cli("bench", "--kind", "kv")
    assert done.code == 1
    assert "127.0.0.1:1" in done.err
    assert "Traceback" not in done.err
