"""The embedded server: one per folder, whatever happens to the processes that use it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from servers.patience import until_it_works

from .clients import client_of

if TYPE_CHECKING:
    from pathlib import Path

# One process: writes, says "ready", and closes (or is killed) on a line of input.
WORKER = """
import asyncio, sys
from clients import client_of

async def main():
    async with client_of({"embedded": sys.argv[1]}) as ps:
        await ps.kv("things").put(sys.argv[2], 1)
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


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


def pid_of(folder: Path) -> int:
    return int((folder / "valkey.pid").read_text())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_share_it_and_the_last_one_stops_it(tmp_path: Path) -> None:
    first = worker(tmp_path, "a")
    pid = pid_of(tmp_path)
    second = worker(tmp_path, "b")
    end(first)
    assert pid_of(tmp_path) == pid
    assert alive(pid)
    end(second)
    assert not alive(pid)
    end(worker(tmp_path, "c"))


async def test_what_killed_processes_wrote_is_there_and_the_server_is_stopped_at_last(
    tmp_path: Path,
) -> None:
    process = worker(tmp_path, "a")
    process.kill()
    process.communicate()
    pid = pid_of(tmp_path)
    assert alive(pid)
    async with client_of({"embedded": str(tmp_path)}) as ps:
        assert await ps.kv("things").get("a") == 1
        assert pid_of(tmp_path) == pid
    assert not alive(pid)


async def test_a_killed_server_is_started_again_by_who_comes_next(tmp_path: Path) -> None:
    async with client_of({"embedded": str(tmp_path)}) as ps:
        await ps.kv("things").put("a", 1)
        os.kill(pid_of(tmp_path), signal.SIGKILL)
        async with client_of({"embedded": str(tmp_path)}) as other:
            assert await other.kv("things").get("a") == 1
            assert await until_it_works(lambda: ps.kv("things").get("a")) == 1


async def test_a_folder_with_a_long_name(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    async with client_of({"embedded": str(folder)}) as ps:
        await ps.kv("things").put("a", 1)
    async with client_of({"embedded": str(folder)}) as ps:
        assert await ps.kv("things").get("a") == 1
