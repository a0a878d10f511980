"""Milvus, the full server in one process, from the wheel that tools/servers.sh unpacks.

It is started without the wheel's launcher, which would be a second process to kill, and with a
configuration that has only what differs from the server's own defaults.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymilvus import MilvusClient  # pyright: ignore[reportMissingTypeStubs]

from polystore_postgres.oshost import ServerUser
from servers.process import free_ports, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.certificates import Certificates

PROGRAMS = Path(__file__).resolve().parents[2] / ".servers" / "milvus" / "server"
# Each of these parts listens on a port of its own, on every address of the machine.
_PARTS = ("rootCoord", "queryCoord", "dataCoord", "queryNode", "dataNode", "indexNode")
_TRIES = 3
# Where the server leaves files of its own, wherever its data is.
_RUN_FOLDERS = (Path("/run/milvus"), Path("/tmp/milvus"))  # noqa: S108


@dataclass(frozen=True)
class MilvusServer:
    """A server that tests may do anything to.

    Attributes:
        uri: Its address.
        token: `user:password`; empty where it asks for none.
        pid: Its process; 0 for a server that the tests did not start.
    """

    uri: str
    token: str = ""
    pid: int = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.uri.rsplit(":", 1)[1])

    @property
    def block(self) -> dict[str, Any]:
        """The block of a backend."""
        login = {"token": self.token} if self.token else {}
        return {"use": "milvus", "uri": self.uri, **login}

    def client(self, **settings: Any) -> Any:
        """Return a synchronous client."""
        return MilvusClient(uri=self.uri, token=self.token, **settings)


@contextlib.contextmanager
def milvus_server(
    *,
    folder: Path | None = None,
    port: int | None = None,
    password: str | None = None,
    tls: Certificates | None = None,
    clients: bool = False,
) -> Generator[MilvusServer]:
    """Run a server on 127.0.0.1.

    Args:
        folder: Holds its data, and is kept; None: a new one, removed in the end.
        port: Of its clients; None: somewhere free.
        password: Of the user root, as it was when the folder was new; None: it asks for no login.
        tls: Turns TLS on, which clients then have to use.
        clients: Whether clients have to show a certificate of the same authority.
    """
    if not PROGRAMS.is_dir():
        raise RuntimeError("Milvus is missing: run tools/servers.sh")
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-")))
        fresh = not (home / "etcd").exists()
        settings = _settings(home, login=password is not None)
        if tls is not None:
            settings |= _tls_settings(home, tls)
            settings["common"]["security"]["tlsMode"] = 2 if clients else 1
        server = _start(stack, home, settings, port)
        if password is None:
            yield server
            return
        if fresh:
            _set_password(server, password, tls)
        yield MilvusServer(server.uri, f"root:{password}", server.pid)


def _settings(home: Path, *, login: bool) -> dict[str, Any]:
    return {
        "etcd": {
            "use": {"embed": True},
            "data": {"dir": str(home / "etcd")},
            "log": {"level": "warn", "path": str(home / "etcd.log")},
            "config": {"path": str(home / "configs" / "etcd.yaml")},
        },
        "localStorage": {"path": str(home / "data")},
        "mq": {"type": "rocksmq"},
        "rocksmq": {"path": str(home / "rocksmq")},
        "common": {
            "storageType": "local",
            "security": {"authorizationEnabled": login},
        },
        "log": {"level": "warn", "stdout": True},
    }


def _tls_settings(home: Path, tls: Certificates) -> dict[str, Any]:
    folder = home / "certificates"
    folder.mkdir(exist_ok=True, parents=True)
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copy(tls.path(name), folder / name)
    files = {"serverPemPath": "server.pem", "serverKeyPath": "server.key", "caPemPath": "ca.pem"}
    return {"tls": {name: str(folder / file) for name, file in files.items()}}


def _start(
    stack: contextlib.ExitStack, home: Path, settings: dict[str, Any], port: int | None
) -> MilvusServer:
    """Start it; once more, on other ports, where it lost one of its many ports to somebody."""
    log = home / "server.log"
    for left in reversed(range(_TRIES)):
        log.unlink(missing_ok=True)
        try:
            return stack.enter_context(_serving(home, settings, port))
        except RuntimeError:
            if not left or "address already in use" not in log.read_text(errors="replace"):
                raise
    raise AssertionError("unreachable")


@contextlib.contextmanager
def _serving(home: Path, settings: dict[str, Any], port: int | None) -> Generator[MilvusServer]:
    metrics, internal, proxy, *others = free_ports(3 + len(_PARTS))
    proxy = port or proxy
    ports: dict[str, Any] = {
        name: {"ip": "127.0.0.1", "port": number}
        for name, number in zip(_PARTS, others, strict=True)
    }
    ports["proxy"] = {"ip": "127.0.0.1", "port": proxy, "internalPort": internal}
    configs = home / "configs"
    configs.mkdir(exist_ok=True, parents=True)
    # JSON is YAML too.
    (configs / "milvus.yaml").write_text(json.dumps(settings | ports, indent=1))
    (configs / "etcd.yaml").write_text(json.dumps(_etcd(home), indent=1))
    (configs / "glog.conf").write_text("--logtostderr=true\n--minloglevel=2\n")
    # The name of a lock outside of `home`, without which only one server runs on a machine.
    alias = f"polystore-test-{secrets.token_hex(6)}"
    argv = [str(PROGRAMS / "milvus"), "run", "standalone", "-alias", alias]
    environment = {
        "DEPLOY_MODE": "STANDALONE",
        "LD_LIBRARY_PATH": str(PROGRAMS),
        "METRICS_PORT": str(metrics),
        "MILVUSCONF": str(configs),
    }
    # As whoever runs the tests. Asked to stop it hands its segments over, for which its only part
    # has nobody; and killed it loses nothing that a test may expect.
    user = ServerUser(os.getuid(), os.getgid(), switch=False)
    log, stop = home / "server.log", signal.SIGKILL
    names = [f"standalone-{alias}.pid"]
    try:
        with running(argv, user, log, _healthy(metrics), stop, environment) as pid:
            names.append(f"server_id_{pid}")
            yield MilvusServer(f"http://127.0.0.1:{proxy}", pid=pid)
    finally:
        for folder in _RUN_FOLDERS:
            for name in names:
                (folder / name).unlink(missing_ok=True)


def _etcd(home: Path) -> dict[str, str]:
    """The settings of the etcd within: it has to listen, but nobody connects to it."""
    nowhere = "http://127.0.0.1:0"
    return {
        "name": "default",
        "data-dir": str(home / "etcd"),
        "listen-client-urls": nowhere,
        "listen-peer-urls": nowhere,
        "advertise-client-urls": nowhere,
        "initial-advertise-peer-urls": nowhere,
        "initial-cluster": f"default={nowhere}",
    }


def _healthy(port: int) -> Callable[[], bool]:
    """Ask all its parts, through the port of its metrics."""

    def healthy() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            return answer.status == http.client.OK and answer.read() == b"OK"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return healthy


def _set_password(server: MilvusServer, password: str, tls: Certificates | None) -> None:
    """Replace the password that every new server has."""
    first = MilvusServer(server.uri, "root:Milvus")
    settings: dict[str, Any] = {}
    if tls is not None:
        settings = {"secure": True, "server_pem_path": tls.path("ca.pem")}
        settings["server_name"] = "localhost"
    client = first.client(**settings)
    try:
        client.update_password("root", "Milvus", password)
    finally:
        client.close()
