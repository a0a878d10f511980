"""A PostgreSQL and a standby that follows it by streaming, to be promoted."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_postgres.oshost import binaries
from servers.postgres import USER, PostgresServer, postgres_server
from servers.process import answers, free_port, running, server_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """Two servers with the same data.

    Attributes:
        primary: Takes writes, each acknowledged once the standby has it on disk.
        standby: Takes reads.
    """

    primary: PostgresServer
    standby: PostgresServer

    @property
    def dsn(self) -> str:
        """The address of whichever takes writes."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        login = f"{USER}:{self.primary.password}"
        return f"postgresql://{login}@{hosts}/postgres?target_session_attrs=read-write"

    def promote(self) -> None:
        """Make the standby take writes, and no longer wait for one of its own."""
        self.standby.execute(
            "SELECT pg_promote(true, 60)",
            "ALTER SYSTEM RESET synchronous_standby_names",
            "SELECT pg_reload_conf()",
        )


@contextlib.contextmanager
def postgres_pair() -> Generator[Pair]:
    """Run a primary and a standby that it waits for."""
    rule = "host replication all 127.0.0.1/32 scram-sha-256"
    with postgres_server(hba=rule, settings={"fsync": "on"}) as primary, _follower(primary) as pair:
        primary.execute(
            "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"
        )
        yield pair


@contextlib.contextmanager
def _follower(primary: PostgresServer) -> Generator[Pair]:
    programs, port = binaries(), free_port()
    with server_folder() as (folder, user):
        data = folder / "data"
        copy = [
            str(programs / "pg_basebackup"),
            "-D",
            str(data),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
        ]
        copy += [
            "-d",
            f"host=127.0.0.1 port={primary.port} user={USER} password={primary.password}",
        ]
        done = user.run(copy, folder, programs, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(done.stdout.decode())
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in {
            "listen_addresses": "localhost",
            "port": str(port),
            "unix_socket_directories": str(folder),
        }.items():
            command += ["-c", f"{name}={value}"]
        log = folder / "standby.log"
        with running(command, user, log, _follows(data, port)) as pid:
            dsn = primary.dsn.replace(f":{primary.port}/", f":{port}/")
            yield Pair(primary, PostgresServer(dsn, port, primary.password, pid))


def _follows(data: Path, port: int) -> Callable[[], bool]:
    def ready() -> bool:
        pid_file = data / "postmaster.pid"
        return pid_file.exists() and "ready" in pid_file.read_text() and answers(port)

    return ready
