"""PgBouncer in transaction mode in front of a server."""

from __future__ import annotations

import contextlib
import shutil
import signal
from typing import TYPE_CHECKING

from servers.postgres import USER, PostgresServer
from servers.process import answers, free_port, running, server_folder

if TYPE_CHECKING:
    from collections.abc import Generator


@contextlib.contextmanager
def pgbouncer(
    server: PostgresServer, *, server_connections: int, login: tuple[str, str] | None = None
) -> Generator[str]:
    """Run a pooler; yields the address of the database `postgres` behind it.

    Args:
        server: What is behind it.
        server_connections: How many connections it shares among all clients.
        login: User and password; None: those of the administrator.
    """
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
    if program is None:
        raise RuntimeError("PgBouncer is missing: apt-get install pgbouncer")
    port = free_port()
    name, secret = login or (USER, server.password)
    with server_folder() as (folder, user):
        (folder / "users.txt").write_text(f'"{name}" "{secret}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"""[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {server_connections}
max_client_conn = 200
server_reset_query =
"""
        )
        for file in folder.iterdir():
            user.own(file)
        argv = [program, str(folder / "pgbouncer.ini")]
        log = folder / "pgbouncer.log"
        with running(argv, user, log, lambda: answers(port), stop=signal.SIGINT):
            yield f"postgresql://{name}:{secret}@127.0.0.1:{port}/postgres"
