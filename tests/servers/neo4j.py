"""Neo4j Community, from the jars that tools/servers.sh fetches."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neo4j
from neo4j.exceptions import DatabaseUnavailable, ServiceUnavailable, SessionExpired

from polystore_postgres.oshost import ServerUser
from servers.process import answers, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.certificates import Certificates

LIBRARY = Path(__file__).resolve().parents[2] / ".servers" / "neo4j" / "lib"
_OPENED = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch")
_HEAP = "512m"


@dataclass(frozen=True)
class Neo4jServer:
    """A server that tests may do anything to.

    Attributes:
        port: Of Bolt, on 127.0.0.1.
        password: Of the user neo4j.
        pid: Its process; 0 for a server that the tests did not start.
    """

    port: int
    password: str
    pid: int = 0

    @property
    def block(self) -> dict[str, Any]:
        """The block of a backend."""
        return {"use": "neo4j", "uri": f"bolt://127.0.0.1:{self.port}", "password": self.password}

    def run(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """Return the rows of one statement."""
        address, login = f"bolt://127.0.0.1:{self.port}", ("neo4j", self.password)
        database: Any = neo4j.GraphDatabase  # whose types know no settings
        with database.driver(address, auth=login) as driver, driver.session() as session:
            return [record.values() for record in session.run(statement, parameters)]


@contextlib.contextmanager
def neo4j_server(
    *,
    folder: Path | None = None,
    port: int | None = None,
    password: str | None = None,
    tls: Certificates | None = None,
) -> Generator[Neo4jServer]:
    """Run a server on 127.0.0.1.

    Args:
        folder: Holds its data, and is kept; None: a new one, removed in the end.
        port: Of Bolt; None: somewhere free.
        password: Of the user neo4j, as it was when the folder was new; None: a new one.
        tls: Turns TLS on, which clients then have to use.
    """
    if not LIBRARY.is_dir():
        raise RuntimeError("Neo4j's jars are missing: run tools/servers.sh")
    java = shutil.which("java")
    if java is None:
        raise RuntimeError("Java is missing: apt-get install default-jre-headless")
    port, password = port or free_port(), password or secrets.token_hex(12)
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neo4j-")))
        fresh = not (home / "conf").exists()
        (home / "conf").mkdir(exist_ok=True, parents=True)
        (home / "conf" / "neo4j.conf").write_text(_settings(home, port, tls))
        options = ["-cp", f"{LIBRARY}/*", f"-Dbasedir={home}"]
        if fresh:
            admin = [java, *options, "org.neo4j.server.startup.Neo4jAdminCommand"]
            subprocess.run(
                [*admin, "dbms", "set-initial-password", password],
                check=True,
                env={"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf"), "PATH": "/usr/bin"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        argv = [java, f"-Xmx{_HEAP}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        argv += [f"--add-opens={name}=ALL-UNNAMED" for name in _OPENED]
        argv += [*options, "org.neo4j.server.CommunityEntryPoint"]
        argv += [f"--home-dir={home}", f"--config-dir={home / 'conf'}"]
        server = Neo4jServer(port, password)
        user = ServerUser(os.getuid(), os.getgid(), switch=False)
        log = home / "server.log"
        ready = _ready(server, tls)
        # Asked to stop it takes ten seconds, which nothing needs whose folder goes anyway.
        stop = signal.SIGKILL if folder is None else signal.SIGTERM
        pid = stack.enter_context(running(argv, user, log, ready, stop=stop))
        yield Neo4jServer(port, password, pid)


def _settings(home: Path, port: int, tls: Certificates | None) -> str:
    settings = {
        "server.bolt.enabled": "true",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
        "server.memory.heap.max_size": _HEAP,
        "server.memory.pagecache.size": "64m",
        "dbms.usage_report.enabled": "false",
        "server.http.enabled": "false",  # it would take port 7474, which only one server can
    }
    if tls is not None:
        folder = home / "certificates"
        for kind in ("trusted", "revoked"):
            (folder / kind).mkdir(exist_ok=True, parents=True)
        for name in ("server.pem", "server.key"):
            shutil.copy(tls.path(name), folder / name)
        settings |= {
            "server.bolt.tls_level": "REQUIRED",
            "dbms.ssl.policy.bolt.enabled": "true",
            "dbms.ssl.policy.bolt.base_directory": str(folder),
            "dbms.ssl.policy.bolt.private_key": "server.key",
            "dbms.ssl.policy.bolt.public_certificate": "server.pem",
            "dbms.ssl.policy.bolt.client_auth": "NONE",
        }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _ready(server: Neo4jServer, tls: Certificates | None) -> Callable[[], bool]:
    def ready() -> bool:
        if not answers(server.port):
            return False
        try:
            return tls is not None or server.run("RETURN 1") == [[1]]
        except (ServiceUnavailable, SessionExpired, DatabaseUnavailable):
            return False

    return ready
