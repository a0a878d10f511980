"""Milvus, the full server in one process, from the wheel that tools/servers.sh unpacks.

It is started without the wheel's launcher, which would be a second process to kill; its settings
are the wheel's, whose limits are those of other installations too, but for places and ports.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from polystore_postgres.oshost import ServerUser
from servers.process import free_port, free_ports, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.certificates import Certificates

PROGRAMS = Path(__file__).resolve().parents[2] / ".servers" / "milvus" / "server"
# Each of these parts listens on a port of its own, on every address of the machine.
_PARTS = ("rootCoord", "queryCoord", "dataCoord", "queryNode", "dataNode", "indexNode")
_TRIES = 3
_PATIENCE = 120.0
"""Seconds that a server on a busy machine may take to let a client in."""
# Where the server leaves files of its own, wherever its data is.
RUN_FOLDERS = (Path("/run/milvus"), Path("/tmp/milvus"))  # noqa: S108


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
        """Return a synchronous client with a connection of its own, which it closes."""
        # Here, for its import takes seconds, and every run of tests loads this module.
        from pymilvus import MilvusClient  # pyright: ignore[reportMissingTypeStubs]

        settings.setdefault("timeout", _PATIENCE)
        return MilvusClient(uri=self.uri, token=self.token, dedicated=True, **settings)

    def forget(self, namespace: str) -> None:
        """Drop every collection of a namespace."""
        client = self.client()
        try:
            for name in client.list_collections():
                if name.startswith(f"{namespace}__"):
                    client.drop_collection(name)
        finally:
            client.close()


@contextlib.contextmanager
def milvus_server(
    *,
    folder: Path | None = None,
    port: int | None = None,
    password: str | None = None,
    tls: Certificates | None = None,
    clients: bool = False,
    tick: int = 50,
) -> Generator[MilvusServer]:
    """Run a server on 127.0.0.1.

    Args:
        folder: Holds its data, and is kept; None: a new one, removed in the end.
        port: Of its clients; None: somewhere free.
        password: Of the user root, as it was when the folder was new; None: it asks for no login.
        tls: Turns TLS on, which clients then have to use.
        clients: Whether clients have to show a certificate of the same authority.
        tick: Milliseconds between the points in time up to which it knows its writes; who reads
            what was just written waits for the next one. It is 200 unless configured.
    """
    if not PROGRAMS.is_dir():
        raise RuntimeError("Milvus is missing: run tools/servers.sh")
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milvus-")))
        fresh = not (home / "etcd").exists()
        settings = _settings(home, login=password is not None, again=folder is not None)
        settings["proxy"]["timeTickInterval"] = tick
        if tls is not None:
            _update(settings, _tls_settings(home, tls, mode=2 if clients else 1))
        server = _start(stack, home, settings, port)
        if password is None:
            yield server
            return
        if fresh:
            _set_password(server, password, tls)
        yield MilvusServer(server.uri, f"root:{password}", server.pid)


def _settings(home: Path, *, login: bool, again: bool) -> dict[str, Any]:
    (template,) = PROGRAMS.parent.glob("lib/*/site-packages/milvus/data/config.yaml.template")
    # Every `{{ name: value }}` of it is replaced below, or of a part that does not run.
    text = re.sub(r"\{\{.*?\}\}", "0", template.read_text())
    yaml: Any = YAML(typ="safe")  # whose methods have no types
    settings: dict[str, Any] = yaml.load(text)
    changes: dict[str, Any] = {
        "etcd": {
            "data": {"dir": str(home / "etcd")},
            "log": {"level": "warn", "path": str(home / "etcd.log")},
            "config": {"path": str(home / "configs" / "etcd.yaml")},
        },
        "localStorage": {"path": str(home / "data")},
        "rocksmq": {"path": str(home / "rocksmq")},
        # A server that was killed holds its place for so long, in seconds, and its successor asks
        # again after pauses that double up to `maxBackoff`: 54 s until it serves by default. One
        # that has no successor keeps the default, for it gives up where the machine is so busy that
        # it does not get its turn for as long.
        "common": {
            "security": {"authorizationEnabled": login, "tlsMode": 0},
            "session": {"ttl": 5 if again else 30},
        },
        # Milliseconds between two looks at what is to be loaded: a new collection serves a second
        # sooner than by default.
        "queryCoord": {
            "checkChannelInterval": 100,
            "checkSegmentInterval": 100,
            "collectionObserverInterval": 50,
            "distPullInterval": 100,
        },
        "grpc": {"client": {"maxBackoff": 0.5, "maxMaxAttempts": 100}},
        "log": {"level": "warn", "file": {"rootPath": ""}},
    }
    _update(settings, changes)
    return settings


def _update(settings: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, dict):
            _update(settings.setdefault(name, {}), value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            settings[name] = value


def _tls_settings(home: Path, tls: Certificates, mode: int) -> dict[str, Any]:
    folder = home / "certificates"
    folder.mkdir(exist_ok=True, parents=True)
    for name in ("server.pem", "server.key", "ca.pem"):
        shutil.copy(tls.path(name), folder / name)
    files = {"serverPemPath": "server.pem", "serverKeyPath": "server.key", "caPemPath": "ca.pem"}
    paths = {name: str(folder / file) for name, file in files.items()}
    return {"tls": paths, "common": {"security": {"tlsMode": mode}}}


def _start(
    stack: contextlib.ExitStack, home: Path, settings: dict[str, Any], port: int | None
) -> MilvusServer:
    """Start it, once more where somebody else has its port: it takes another one then, silently."""
    for _ in range(1 if port else _TRIES):
        with contextlib.ExitStack() as attempt:
            server = attempt.enter_context(_serving(home, settings, port or free_port()))
            if _listens(server):
                stack.push(attempt.pop_all())
                return server
    raise RuntimeError(f"Milvus did not get port {port or 'any'}: who listens there?")


@contextlib.contextmanager
def _serving(home: Path, settings: dict[str, Any], port: int) -> Generator[MilvusServer]:
    metrics, internal, *others = free_ports(2 + len(_PARTS))
    ports: dict[str, Any] = {
        name: {"ip": "127.0.0.1", "port": number}
        for name, number in zip(_PARTS, others, strict=True)
    }
    ports["proxy"] = {"ip": "127.0.0.1", "port": port, "internalPort": internal}
    configs = home / "configs"
    configs.mkdir(exist_ok=True, parents=True)
    _update(settings, ports)
    # JSON is YAML too.
    (configs / "milvus.yaml").write_text(json.dumps(settings, indent=1))
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
            yield MilvusServer(f"http://127.0.0.1:{port}", pid=pid)
    finally:
        for folder in RUN_FOLDERS:
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


def _listens(server: MilvusServer) -> bool:
    """Return whether it is the server's own process that listens on its port."""
    process = Path(f"/proc/{server.pid}")
    lines = [line.split() for line in (process / "net" / "tcp6").read_text().splitlines()[1:]]
    sockets = {
        f"socket:[{fields[9]}]" for fields in lines if fields[1].endswith(f":{server.port:04X}")
    }
    return not sockets.isdisjoint(_targets(process / "fd"))


def _targets(folder: Path) -> Generator[str]:
    for link in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a file that was closed meanwhile
            yield str(link.readlink())


def _set_password(server: MilvusServer, password: str, tls: Certificates | None) -> None:
    """Replace the password that every new server has."""
    first = MilvusServer(server.uri, "root:Milvus")
    settings: dict[str, Any] = {}
    if tls is not None:
        settings = {
            "secure": True,
            "server_name": "localhost",
            "ca_pem_path": tls.path("ca.pem"),
            "client_pem_path": tls.path("client.pem"),
            "client_key_path": tls.path("client.key"),
        }
    client = first.client(**settings)
    try:
        client.update_password("root", "Milvus", password)
    finally:
        client.close()
