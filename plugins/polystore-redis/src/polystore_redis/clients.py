"""The driver's client for each kind of deployment. Nothing is connected here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from typing_extensions import override

from polystore.errors import ConfigError
from polystore_redis.config import host_and_port, parse_url
from polystore_redis.packing import (
    PrimaryConnection,
    PrimaryTlsConnection,
    SocketConnection,
    Tally,
    TcpConnection,
    TlsConnection,
)

if TYPE_CHECKING:
    from pathlib import Path

    from polystore_redis.config import RedisConfig, SentinelConfig, Target, TlsConfig

_CLUSTER_CONNECTIONS = 4
"""Connections to one node for each call in flight: more than a call ever has there."""


class Pool(BlockingConnectionPool):
    """Knows how many calls wait for a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.waiting = 0

    @override
    async def get_connection(self, *args: Any, **kwargs: Any) -> Any:
        waits = not self.can_get_connection()
        self.waiting += waits
        try:
            return await super().get_connection(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        finally:
            self.waiting -= waits


def in_use(client: Any) -> int:
    """Return how many connections of a client calls have now."""
    pool = getattr(client, "connection_pool", None)
    if pool is not None:
        return len(pool._in_use_connections)  # noqa: SLF001 - its own count goes by attributes
    nodes: list[Any] = list(client.nodes_manager.nodes_cache.values())
    return sum(len(node._connections) - len(node._free) for node in nodes)  # noqa: SLF001


def make_client(config: RedisConfig, socket: Path | None, tally: Tally) -> Any:
    """Return a client of where `config` says the server is.

    Args:
        config: The block.
        socket: Of the embedded server.
        tally: Counts its connections.

    Raises:
        ConfigError: The files of `tls` are no certificates and keys.
    """
    if socket is not None:
        return _client(SocketConnection, config, path=str(socket), db=0, tally=tally)
    if config.url is not None:
        return _of_url(config, parse_url(config.url.get_secret_value()), tally)
    if config.cluster is not None:
        return _cluster(config, config.cluster, tally)
    if config.sentinel is not None:
        return _sentinel(config, config.sentinel, tally)
    raise ConfigError("no address is given")


def _of_url(config: RedisConfig, target: Target, tally: Tally) -> Any:
    login = {
        "username": target.username or config.username,
        "password": (target.password or config.password),
    }
    settings: dict[str, Any] = {
        name: _plain(value) for name, value in login.items() if value is not None
    }
    settings["tally"] = tally
    settings["db"] = config.db if target.db is None else target.db
    if target.path is not None:
        return _client(SocketConnection, config, path=target.path, **settings)
    settings |= {"host": target.host, "port": target.port}
    if not (target.tls or config.tls):
        return _client(TcpConnection, config, **settings)
    return _client(TlsConnection, config, **settings, **_tls(config.tls))


def _client(kind: type, config: RedisConfig, **settings: Any) -> Any:
    pool = Pool(
        config.pool.max,
        config.pool.acquire_timeout,
        connection_class=kind,
        **_common(config),
        **settings,
    )
    return Redis.from_pool(pool)


def _cluster(config: RedisConfig, nodes: tuple[str, ...], tally: Tally) -> Any:
    tls: dict[str, Any] = {} if config.tls is None else {"ssl": True, **_tls(config.tls)}
    if tls.pop("ssl_password", None) is not None:
        raise ConfigError(
            "the driver takes no password for a key with a cluster",
            hint="Keep the key in a file without a password that only this user may read",
        )
    make: Any = RedisCluster  # whose types know no settings made elsewhere
    client = make(
        startup_nodes=[ClusterNode(*host_and_port(node)) for node in nodes],
        max_connections=config.pool.max * _CLUSTER_CONNECTIONS,
        **_login(config),
        **_common(config),
        **tls,
    )
    # It takes no class of connections itself; the nodes that it finds are made with these settings.
    kind = TlsConnection if tls else TcpConnection
    client.get_connection_kwargs().update(connection_class=kind, tally=tally)
    return client


def _sentinel(config: RedisConfig, sentinel: SentinelConfig, tally: Tally) -> Any:
    tls: dict[str, Any] = {} if config.tls is None else {"ssl": True, **_tls(config.tls)}
    login: dict[str, Any] = {"username": sentinel.username, "password": _plain(sentinel.password)}
    own = {name: value for name, value in login.items() if value is not None}
    make: Any = Sentinel
    watch = make(
        [host_and_port(host) for host in sentinel.hosts],
        sentinel_kwargs={**_common(config), **own, **tls, "socket_timeout": config.connect_timeout},
        **_common(config),
        **_login(config),
        **tls,
    )
    return watch.master_for(
        sentinel.service,
        db=config.db,
        max_connections=config.pool.max,
        connection_class=PrimaryTlsConnection if tls else PrimaryConnection,
        tally=tally,
    )


def _common(config: RedisConfig) -> dict[str, Any]:
    return {
        # Deadlines are kept, and calls repeated, in one place above: two would multiply.
        "socket_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": config.connect_timeout,
        "protocol": 2,
        "decode_responses": False,
    }


def _login(config: RedisConfig) -> dict[str, Any]:
    login = {"username": config.username, "password": _plain(config.password)}
    return {name: value for name, value in login.items() if value is not None}


def _plain(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def _tls(config: TlsConfig | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        config.context()
    except OSError as error:
        raise ConfigError(
            f"a file under tls: is no certificate or key: {error.strerror or error}",
            hint="They are PEM files; a key may need key_password",
        ) from error
    files = {
        "ssl_ca_certs": config.root_cert,
        "ssl_certfile": config.cert,
        "ssl_keyfile": config.key,
    }
    settings = {name: str(path) for name, path in files.items() if path is not None}
    if config.key_password is not None:
        settings["ssl_password"] = config.key_password.get_secret_value()
    return settings
