"""Several processes on one file, and an event loop that never waits for it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import apsw
import pytest

import polystore
from polystore.errors import ConfigError, ConnectionFailed, DataCorruption
from polystore.filters import F, Or
from polystore.specs import DocSpec, KVSpec

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import asyncio, sys
import polystore

async def main():
    backend = {"use": "sqlite", "path": sys.argv[1], "busy_timeout": 30}
    config = {
        "workspace": "acme", "backends": {"main": backend}, "stores": {"counters": {"kind": "kv"}}
    }
    async with polystore.open(config) as ps:
        for _ in range(20):
            async with ps.unit_of_work("counters") as unit:
                number = await unit.kv("counters").get("n") or 0
                await unit.kv("counters").put("n", number + 1)

asyncio.run(main())
"""

KILLED = """
import asyncio, sys
import polystore

async def main():
    config = {"workspace": "acme", "backends": {"main": {"use": "sqlite", "path": sys.argv[1]}}}
    stores = [polystore.KVSpec(name="left"), polystore.KVSpec(name="right")]
    async with polystore.open(config, stores=stores) as ps:
        for number in range(10**9):
            async with ps.unit_of_work("left", "right") as unit:
                await unit.kv("left").put(f"k{number}", number)
                await unit.kv("right").put(f"k{number}", number)
            print(number, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "polystore.db"


def config(file: Path) -> dict[str, Any]:
    backend = {"use": "sqlite", "path": str(file), "busy_timeout": 30}
    return {"workspace": "acme", "backends": {"main": backend}, "defaults": {"kv": "main"}}


async def test_processes_lose_no_increment(file: Path) -> None:
    # They make the file, the layout and the store at the same time, too.
    program = (sys.executable, "-c", PROGRAM, str(file))
    running = [
        await asyncio.create_subprocess_exec(*program, stderr=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    ends = await asyncio.gather(*(process.communicate() for process in running))
    assert [errors for _, errors in ends] == [b"", b"", b""]
    async with polystore.open(config(file), stores=[KVSpec(name="counters")]) as ps:
        assert await ps.kv("counters").get("n") == 60


async def test_a_killed_process_loses_nothing_acknowledged(file: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(file), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [int(await process.stdout.readline()) for _ in range(30)]
    process.kill()
    await process.wait()
    stores = [KVSpec(name="left"), KVSpec(name="right")]
    async with polystore.open(config(file), stores=stores) as ps:
        left = {entry.key async for entry in ps.kv("left").scan()}
        assert left >= {f"k{number}" for number in acknowledged}
        assert left == {entry.key async for entry in ps.kv("right").scan()}


async def test_a_write_that_waits_for_the_file_blocks_nobody(file: Path) -> None:
    async with polystore.open(config(file)) as ps:
        await ps.kv("cache").put("a", 1)
        other: Any = apsw.Connection(str(file))
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(ps.kv("cache").put("a", 2))
        # All of this runs while the write waits: were the loop blocked, it could never be let go.
        for _ in range(20):
            assert await ps.kv("cache").get("a") == 1
        assert not waiting.done()
        other.execute("ROLLBACK")
        other.close()
        await waiting
        assert await ps.kv("cache").get("a") == 2


async def test_a_file_that_cannot_be_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed, match="folder exists"):
        async with polystore.open(config(tmp_path / "absent" / "x.db")):
            pass


async def test_what_is_no_database_is_reported(file: Path) -> None:
    await asyncio.to_thread(file.write_text, "no database " * 1000)
    with pytest.raises(DataCorruption, match="backup"):
        async with polystore.open(config(file)):
            pass


async def test_memory_is_refused() -> None:
    with pytest.raises(ConfigError, match="memory backend"):
        async with polystore.open({"backends": {"main": {"use": "sqlite", "path": ":memory:"}}}):
            pass


async def test_discovering_the_plugin_loads_no_driver() -> None:
    code = (
        "import sys\n"
        "from polystore.plugins.registry import Registry\n"
        "assert Registry().backend_info('sqlite').name == 'sqlite'\n"
        "assert not {'apsw', 'sqlite_vec'} & sys.modules.keys()\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0


async def test_many_long_filters_are_no_deep_expression(file: Path) -> None:
    async with polystore.open(config(file) | {"defaults": {"doc": "main"}}) as ps:
        await ps.doc("rows").put("a", {"n": 4999})
        wanted = Or(tuple(F("n") == number for number in range(5000)))
        assert await ps.doc("rows").count(wanted) == 1
        assert await ps.doc("rows").count(~wanted) == 0


async def test_explain_names_the_index_of_an_order(file: Path) -> None:
    stores = [DocSpec(name="rows", indexes=(("-n",),))]
    async with polystore.open(config(file) | {"defaults": {"doc": "main"}}, stores=stores) as ps:
        await ps.doc("rows").put_many({f"r{n}": {"n": n} for n in range(50)})
        assert (await ps.doc("rows").explain(sort="-n")).access == "index"
        assert (await ps.doc("rows").explain(sort="m")).access == "exact"
