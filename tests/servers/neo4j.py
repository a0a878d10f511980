"""Neo4j Community, from the jars that tools/servers.sh fetches."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neo4j
from neo4j.auth_management import ClientCertificate, ClientCertificateProviders
from neo4j.exceptions import DatabaseUnavailable, ServiceUnavailable, SessionExpired

from polystore_postgres.oshost import ServerUser
from servers.process import answers, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.certificates import Certificates

LIBRARY = Path(__file__).resolve().parents[2] / ".servers" / "neo4j" / "lib"
_OPENED = ("java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch")
_FIRST_PASSWORD = "neo4j"
"""Of every new server, good for nothing but setting another."""


@dataclass(frozen=True)
class Neo4jServer:
    """A server that tests may do anything to.

    Attributes:
        port: Of Bolt, on 127.0.0.1.
        password: Of the user neo4j.
        pid: Its process; 0 for a server that the tests did not start.
        encrypted: Whether it speaks TLS only.
        shows: Holds the certificate that clients have to show, if they have to.
    """

    port: int
    password: str
    pid: int = 0
    encrypted: bool = False
    shows: Certificates | None = None

    @property
    def block(self) -> dict[str, Any]:
        """The block of a backend."""
        return {"use": "neo4j", "uri": f"bolt://127.0.0.1:{self.port}", "password": self.password}

    def run(self, statement: str, **parameters: Any) -> list[list[Any]]:
        """Return the rows of one statement."""
        return self._run(statement, parameters, self.password)

    def forget(self, namespace: str) -> None:
        """Remove the nodes, constraints and indexes of a namespace."""
        of_it = "WHERE name STARTS WITH $prefix RETURN name"
        with self._session(self.password) as session:

            def names(found: str) -> list[str]:
                return [row[0] for row in session.run(f"{found} {of_it}", prefix=f"{namespace}.")]

            for name in names("CALL db.labels() YIELD label WITH label AS name"):
                session.run(
                    f"MATCH (n:`{name}`) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS"
                ).consume()
            for name in names("SHOW CONSTRAINTS YIELD name"):
                session.run(f"DROP CONSTRAINT `{name}` IF EXISTS").consume()
            for name in names("SHOW INDEXES YIELD name"):
                session.run(f"DROP INDEX `{name}` IF EXISTS").consume()

    def first_login(self) -> None:
        """Give a new server its password."""
        statement = "ALTER CURRENT USER SET PASSWORD FROM $old TO $new"
        passwords = {"old": _FIRST_PASSWORD, "new": self.password}
        self._run(statement, passwords, _FIRST_PASSWORD, database="system")

    def _run(
        self, statement: str, parameters: Any, password: str, database: str | None = None
    ) -> list[list[Any]]:
        with self._session(password, database) as session:
            return [record.values() for record in session.run(statement, parameters)]

    @contextlib.contextmanager
    def _session(self, password: str, database: str | None = None) -> Generator[Any]:
        scheme = "bolt+ssc" if self.encrypted else "bolt"
        address, login = f"{scheme}://127.0.0.1:{self.port}", ("neo4j", password)
        graph: Any = neo4j.GraphDatabase  # whose types know no settings
        settings: dict[str, Any] = {"auth": login}
        if self.shows is not None:
            shown = ClientCertificate(self.shows.path("client.pem"), self.shows.path("client.key"))
            settings["client_certificate"] = ClientCertificateProviders.static(shown)
        with graph.driver(address, **settings) as driver, driver.session(database=database) as s:
            yield s


@contextlib.contextmanager
def neo4j_server(
    *,
    folder: Path | None = None,
    port: int | None = None,
    password: str | None = None,
    tls: Certificates | None = None,
    client_auth: bool = False,
    heap: str = "512m",
    page_cache: str = "64m",
    short_lived: bool = True,
    settings: dict[str, str] | None = None,
) -> Generator[Neo4jServer]:
    """Run a server on 127.0.0.1. In the end it is killed.

    Args:
        folder: Holds its data, and is kept; None: a new one, removed in the end.
        port: Of Bolt; None: somewhere free.
        password: Of the user neo4j, as it was when the folder was new; None: a new one.
        tls: Turns TLS on, which clients then have to use.
        client_auth: Whether clients have to show a certificate too.
        heap: Of the JVM.
        page_cache: Of the server.
        short_lived: Whether its code is compiled for a quick start, not for speed.
        settings: Further ones, by name.
    """
    if not LIBRARY.is_dir():
        raise RuntimeError("Neo4j's jars are missing: run tools/servers.sh")
    java = shutil.which("java")
    if java is None:
        raise RuntimeError("Java is missing: apt-get install default-jre-headless")
    port, password = port or free_port(), password or secrets.token_hex(12)
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="neo4j-")))
        fresh = not (home / "data").exists()
        (home / "conf").mkdir(exist_ok=True, parents=True)
        lines = _settings(home, port, tls, client_auth=client_auth) | {
            "server.memory.heap.max_size": heap,
            "server.memory.pagecache.size": page_cache,
            **(settings or {}),
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (home / "conf" / "neo4j.conf").write_text(text)
        argv = [java, f"-Xmx{heap}"]
        argv += ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] if short_lived else []
        argv += [f"--add-opens={name}=ALL-UNNAMED" for name in _OPENED]
        argv += ["-cp", f"{LIBRARY}/*", f"-Dbasedir={home}"]
        argv += ["org.neo4j.server.CommunityEntryPoint"]
        argv += [f"--home-dir={home}", f"--config-dir={home / 'conf'}"]
        shown = tls if client_auth else None
        server = Neo4jServer(port, password, encrypted=tls is not None, shows=shown)
        user = ServerUser(os.getuid(), os.getgid(), switch=False)
        ready = _ready(server, fresh=fresh)
        # Asked to stop it takes ten seconds, which nothing needs: it recovers from a kill.
        stop = signal.SIGKILL
        pid = stack.enter_context(running(argv, user, home / "server.log", ready, stop=stop))
        yield replace(server, pid=pid)


def _settings(
    home: Path, port: int, tls: Certificates | None, *, client_auth: bool
) -> dict[str, str]:
    settings = {
        "server.bolt.enabled": "true",
        "server.bolt.listen_address": f"127.0.0.1:{port}",
        "server.bolt.advertised_address": f"127.0.0.1:{port}",
        "dbms.usage_report.enabled": "false",
        "server.http.enabled": "false",  # it would take port 7474, which only one server can
        "db.tx_log.preallocate": "false",  # half a gigabyte, of which tests write little
    }
    if tls is None:
        return settings
    folder = home / "certificates"
    for kind in ("trusted", "revoked"):
        (folder / kind).mkdir(exist_ok=True, parents=True)
    for name in ("server.pem", "server.key"):
        shutil.copy(tls.path(name), folder / name)
    shutil.copy(tls.path("ca.pem"), folder / "trusted" / "ca.pem")
    return settings | {
        "server.bolt.tls_level": "REQUIRED",
        "dbms.ssl.policy.bolt.enabled": "true",
        "dbms.ssl.policy.bolt.base_directory": str(folder),
        "dbms.ssl.policy.bolt.private_key": "server.key",
        "dbms.ssl.policy.bolt.public_certificate": "server.pem",
        "dbms.ssl.policy.bolt.client_auth": "REQUIRE" if client_auth else "NONE",
    }


def _ready(server: Neo4jServer, *, fresh: bool) -> Callable[[], bool]:
    """Return what tells whether the server answers; of a fresh one it sets the password."""
    waiting = [server.first_login] if fresh else []

    def ready() -> bool:
        if not answers(server.port):
            return False
        try:
            while waiting:
                waiting[-1]()
                waiting.pop()
            return server.run("RETURN 1") == [[1]]
        except (ServiceUnavailable, SessionExpired, DatabaseUnavailable):
            return False

    return ready
