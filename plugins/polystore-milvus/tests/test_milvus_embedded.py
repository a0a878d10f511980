"""The embedded server: one per folder, whatever happens to the processes that use it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from servers.patience import until_it_works

import polystore
from polystore.embedded import is_alive, within
from polystore.errors import SchemaMismatch, UnsupportedError

from .clients import client_of, record

if TYPE_CHECKING:
    from pathlib import Path

# One process: writes, says "ready", and closes (or is killed) on a line of input.
WORKER = """
import asyncio, sys
from clients import client_of, record

async def main():
    async with client_of({"embedded": sys.argv[1]}) as ps:
        await ps.vector("things").upsert([record(sys.argv[2])])
        print("ready", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


def worker(folder: Path, name: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}  # noqa: PTH120
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def waiting() -> subprocess.Popen[bytes]:
    """Return a process that ends when it gets a line."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def pid_of(folder: Path) -> int:
    return int((folder / "milvus-lite.pid").read_text())


def gone(pid: int) -> bool:
    """Return whether a process that has closed everything ends, too."""
    return within(30, lambda: not is_alive(pid))


async def test_processes_share_it_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first = worker(tmp_path, "a")
    pid = pid_of(tmp_path)
    killed = worker(tmp_path, "b")
    assert pid_of(tmp_path) == pid
    killed.kill()
    killed.communicate()
    first.communicate("\n", timeout=60)
    assert first.returncode == 0
    # The kernel let go for the killed one: the first was the last, and nothing is left running.
    assert gone(pid)
    async with client_of({"embedded": str(tmp_path)}) as ps:
        found = await ps.vector("things").get_many(["a", "b", "none"])
        assert [r and r.id for r in found] == ["a", "b", None]
        assert await ps.raw("main").list_collections()
        pid = pid_of(tmp_path)
    assert gone(pid)


async def test_acknowledged_rows_survive_a_killed_server(tmp_path: Path) -> None:
    """It is started again by who comes next, and whoever was there finds it again."""
    block = {"embedded": str(tmp_path)}
    async with client_of(block) as ps:
        things = ps.vector("things")
        ids = [f"r{number}" for number in range(20)]
        for id_ in ids:
            await things.upsert([record(id_)])
        await things.delete("r0")
        os.kill(pid_of(tmp_path), signal.SIGKILL)
        async with client_of(block) as other:
            found = await other.vector("things").get_many(ids)
            assert [r and r.id for r in found] == [None, *ids[1:]]
            assert await until_it_works(things.count) == 19
        pid = pid_of(tmp_path)
        assert await things.count() == 19
    assert gone(pid)


async def test_what_a_dead_server_left_behind_harms_nobody(tmp_path: Path) -> None:
    """Its socket, and its number, which may be another process' by now."""
    (tmp_path / "milvus-lite.sock").touch()
    (tmp_path / "milvus-lite.pid").write_text(str(os.getpid()))
    client = client_of({"embedded": str(tmp_path)})
    ps = await client.__aenter__()
    await ps.vector("things").upsert([record("a")])
    pid = pid_of(tmp_path)
    assert pid != os.getpid()
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    bystander = waiting()
    (tmp_path / "milvus-lite.pid").write_text(str(bystander.pid))
    await client.__aexit__(None, None, None)
    assert bystander.poll() is None
    bystander.communicate(b"\n", timeout=30)
    assert bystander.returncode == 0
    with (tmp_path / "milvus-lite.pid").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it


async def test_workspaces_of_stores_that_nobody_has_opened_yet(tmp_path: Path) -> None:
    """Lite has nothing loaded after it was started; operators list and drop all the same."""
    block = {"embedded": str(tmp_path / ("x" * 120))}  # whose socket is elsewhere
    config: dict[str, Any] = {"backends": {"main": {"use": "milvus", **block}}}
    async with client_of(block) as ps:
        for name in ("acme", "globex"):
            await ps.workspace(name).vector("things").upsert([record("a"), record("b")])
    async with polystore.open(config, schema="check") as ps:
        assert await ps.workspaces() == ["acme", "globex"]
        assert await ps.workspace("acme").drop() == 2
        assert await ps.workspaces() == ["globex"]


async def test_an_index_that_lite_has_not(tmp_path: Path) -> None:
    options = {"milvus": {"index_type": "SCANN"}}
    with pytest.raises(UnsupportedError, match="Milvus Lite has no index SCANN"):
        await client_of({"embedded": str(tmp_path)}, options=options).__aenter__()


@pytest.mark.parametrize("number", ["1", "2"])
async def test_a_layout_of_another_version_is_refused(tmp_path: Path, number: str) -> None:
    block = {"embedded": str(tmp_path)}
    async with client_of(block) as ps:
        await ps.vector("things").upsert([record("kept")])
        catalogue = cast("Any", ps.runtime.backends["main"].backend)._catalogue
        good = (await catalogue._rows("layout:")).get(number)
        await catalogue._put(f"layout:{number}", {"checksum": "x", "at": "another time"})
        # Refused with the first one open, as of two programs of different versions.
        with pytest.raises(SchemaMismatch, match=f"step {number} of the layout") as told:
            await client_of(block).__aenter__()
        assert "another namespace" in str(told.value.hint)
        if good is not None:
            await catalogue._put(f"layout:{number}", good)
            async with client_of(block) as again:
                assert await again.vector("things").get("kept") is not None
