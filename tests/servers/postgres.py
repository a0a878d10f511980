"""PostgreSQL servers: the wheel's (pgvector, no TLS) and Debian's (TLS, no pgvector)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from polystore_postgres.oshost import binaries
from servers.process import answers, free_port, running, server_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from servers.certificates import Certificates

USER = "tester"


@dataclass(frozen=True)
class PostgresServer:
    """A server that tests may do anything to.

    Attributes:
        dsn: Of an administrator, in some existing database.
        port: Where it listens on 127.0.0.1 (and localhost).
        password: Of the administrator.
        pid: Its process; 0 for a server that the tests did not start.
    """

    dsn: str
    port: int
    password: str
    pid: int

    def database(self, name: str) -> str:
        """Return the address of another database."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{quote(name, safe='')}"))

    def at(self, host: str, *, user: str = USER, password: str | None = None) -> str:
        """Return the address by another host name, or as another user."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@{host}:{self.port}/postgres"

    def execute(self, *statements: str, dsn: str | None = None) -> None:
        """Run statements, each on its own, outside a transaction."""

        async def work() -> None:
            connection = await asyncpg.connect(dsn or self.dsn)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        _run_aside(work())

    @contextlib.contextmanager
    def fresh_database(self) -> Generator[str]:
        """A new empty database; yields its address and drops it in the end."""
        name = f"test_{secrets.token_hex(8)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        try:
            yield self.database(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def owned_database(self) -> Generator[str]:
        """A new database with pgvector; yields the address of its owner, who is no superuser."""
        role, secret = f"owner_{secrets.token_hex(8)}", secrets.token_urlsafe(12)
        self.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
        try:
            with self.fresh_database() as dsn:
                self.execute("CREATE EXTENSION vector", dsn=dsn)
                database = urlsplit(dsn).path.lstrip("/")
                self.execute(f"ALTER DATABASE {database} OWNER TO {role}")
                yield f"postgresql://{role}:{secret}@127.0.0.1:{self.port}/{database}"
        finally:
            self.execute(f"DROP ROLE {role}")


def _run_aside(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine in a thread, so that it does not meet the test's event loop."""
    failures: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


def debian_binaries() -> Path:
    """Return Debian's newest server programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        raise RuntimeError("Debian's PostgreSQL is missing: apt-get install postgresql-15")
    return found[-1].parent


@contextlib.contextmanager
def postgres_server(
    programs: Path | None = None,
    *,
    port: int | None = None,
    tls: Certificates | None = None,
    hba: str = "",
    settings: dict[str, str] | None = None,
) -> Generator[PostgresServer]:
    """Run a server on 127.0.0.1 with password authentication.

    Args:
        programs: The folder of `postgres`; None: the wheel's.
        port: Where it listens; None: somewhere free.
        tls: Turns TLS on.
        hba: Lines of pg_hba.conf before the general one.
        settings: Server settings.
    """
    programs = programs or binaries()
    port = port or free_port()
    password = secrets.token_urlsafe(12)
    with server_folder() as (folder, user):
        data = folder / "data"
        secret = folder / "password"
        secret.write_text(password)
        user.own(secret)
        argv = [str(programs / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256"]
        argv += ["--pwfile", str(secret), "-E", "UTF8", "--locale=C", "--no-instructions", "-N"]
        done = user.run(argv, folder, programs, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(done.stdout.decode())
        rules = f"local all all trust\n{hba}\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (data / "pg_hba.conf").write_text(rules + "host all all ::1/128 scram-sha-256\n")
        options = {"listen_addresses": "localhost", "port": str(port), "fsync": "off"}
        options |= {"unix_socket_directories": str(folder), "log_min_messages": "warning"}
        options |= (tls.server_settings(folder, user) if tls else {}) | (settings or {})
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        ready = _readiness(data, port)
        with running(command, user, folder / "server.log", ready) as pid:
            dsn = f"postgresql://{USER}:{password}@127.0.0.1:{port}/postgres"
            yield PostgresServer(dsn, port, password, pid)


def _readiness(data: Path, port: int) -> Callable[[], bool]:
    def ready() -> bool:
        pid_file = data / "postmaster.pid"
        return pid_file.exists() and "ready" in pid_file.read_text() and answers(port)

    return ready
