"""Opening connections: addresses, TLS, keepalives, retries at start-up, what the server can do."""

from __future__ import annotations

import asyncio
import math
import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
from typing_extensions import override

from polystore.errors import PolystoreError, UnsupportedError
from polystore.stores.deadlines import Deadline, Deadlines
from polystore_postgres import codecs
from polystore_postgres.embedded import DATABASE, PORT, USER, EmbeddedServer
from polystore_postgres.errors import WIRE_ERRORS, Translator

if TYPE_CHECKING:
    from polystore_postgres.config import PostgresConfig

MINIMUM_VERSION = 14
_MAX_PAUSE = 10.0
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))
# All that a pooler in transaction mode lets through at start-up.
_POOLER_SETTINGS = frozenset({"application_name", "standard_conforming_strings"})
# Our statements have backslashes in strings, whatever is the database's default.
_FIXED = {"standard_conforming_strings": "on"}
_FACTS = """
SELECT current_setting('server_version_num')::int AS version_number,
       current_setting('server_version') AS version,
       current_database() AS database,
       current_user AS "user",
       r.rolsuper AS superuser, r.rolbypassrls AS bypasses_policies,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
       current_setting('server_encoding') AS encoding,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector_version,
       (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'vector') AS vector_schema,
       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')
           AS vector_available,
       (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_trgm') AS trigram_schema
  FROM pg_roles AS r
 WHERE r.rolname = current_user
"""

_NO_LIMITS = """
SELECT set_config(name, '0', $1) FROM pg_settings
 WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""


@dataclass(frozen=True)
class ServerFacts:
    """What the server is, read once when a pool opens.

    Attributes:
        version: As the server writes it, e.g. `18.4`.
        version_number: As it compares, e.g. 180004.
        database: The database we are in.
        user: Whom we are there.
        superuser: Whether that is somebody who may do everything.
        bypasses_policies: Whether row-level security does not hold for us.
        read_only: Whether it is a standby, or makes transactions read-only.
        encoding: Of the database.
        vector_version: The version of pgvector in this database; None: not installed here.
        vector_schema: The SQL schema it lives in.
        vector_available: The version the server could install; None: it has none.
        trigram_schema: The SQL schema of pg_trgm; None: not installed in this database.
    """

    version: str
    version_number: int
    database: str
    user: str
    superuser: bool
    bypasses_policies: bool
    read_only: bool
    encoding: str
    vector_version: str | None
    vector_schema: str | None
    vector_available: str | None
    trigram_schema: str | None

    @property
    def has_vector(self) -> bool:
        """Whether pgvector is installed in this database."""
        return self.vector_version is not None


if TYPE_CHECKING:
    _DriverConnection = asyncpg.Connection[asyncpg.Record]
else:  # generic in the driver's stubs only
    _DriverConnection = asyncpg.Connection


class Connection(_DriverConnection):
    """A connection with what the pool remembers about it.

    Attributes:
        held: Session settings that we changed, by name, with their values.
        idle_since: When it was last returned, on the loop's clock.
        generation: Of the pool's facts when it was opened; older ones are replaced.
        statement_timeout: Seconds that a statement may take unless the call says otherwise. The
            driver's own way to bound them costs a timer for each.
    """

    def __init__(
        self,
        protocol: Any,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        *details: Any,
    ) -> None:
        super().__init__(protocol, transport, loop, *details)
        self.held: dict[str, str] = {}
        self.idle_since = 0.0
        self.generation = 0
        self.statement_timeout = math.inf
        self._deadlines = Deadlines(loop)
        _keep_alive(transport.get_extra_info("socket"))

    @override
    async def fetch(self, query: str, *args: Any, timeout: float | None = None, **how: Any) -> Any:
        """Run one statement and return its rows."""
        with self._within(timeout):
            return await super().fetch(query, *args, **how)

    @override
    async def fetchrow(
        self, query: str, *args: Any, timeout: float | None = None, **how: Any
    ) -> Any:
        """Run one statement and return its first row, else None."""
        with self._within(timeout):
            return await super().fetchrow(query, *args, **how)

    @override
    async def fetchval(
        self, query: str, *args: Any, timeout: float | None = None, **how: Any
    ) -> Any:
        """Run one statement and return a value of its first row, else None."""
        with self._within(timeout):
            return await super().fetchval(query, *args, **how)

    @override
    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Run one statement, or without arguments several, and return the last command tag."""
        with self._within(timeout):
            return await super().execute(query, *args)

    def _within(self, timeout: float | None) -> Deadline:
        return self._deadlines.within(self.statement_timeout if timeout is None else timeout)

    def forget_transaction(self) -> None:
        """Make the driver forget a transaction whose BEGIN was cut off.

        It would take the next one for one inside it, and send SAVEPOINT.
        """
        self._top_xact = None


def _keep_alive(wire: socket.socket | None) -> None:
    """Notice a peer that vanished without a word, in about two minutes instead of two hours."""
    if wire is None or wire.family not in (socket.AF_INET, socket.AF_INET6):
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # not every system has every one
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def be_patient(connection: Connection, *, local: bool) -> None:
    """Lift the time limits of the server for schema work, which takes as long as it takes.

    Args:
        connection: Whose limits.
        local: For the running transaction only.
    """
    await connection.fetch(_NO_LIMITS, local)


class Endpoint:
    """A server to connect to, as configured.

    Attributes:
        address: How messages name it; without secrets.
        translator: Of errors.
    """

    def __init__(
        self,
        config: PostgresConfig,
        *,
        backend: str,
        embedded: EmbeddedServer | None = None,
        admin: bool = False,
    ) -> None:
        self._config = config
        self.translator = Translator(backend, config.secrets())
        self._embedded = embedded
        if embedded is not None:
            self._arguments: dict[str, Any] = {
                "host": [embedded.host],
                "port": [PORT],
                "user": USER,
                "database": DATABASE,
                "ssl": False,
            }
            self.address = f"the embedded database in {embedded.folder}"
        else:
            self._arguments = _arguments(config, admin=admin)
            self.address = _address(self._arguments)
        settings = {"application_name": config.application_name, **config.server_settings}
        settings = {**self._arguments.pop("server_settings", {}), **settings, **_FIXED}
        pooled = config.pgbouncer and not (admin and config.admin_dsn is not None)
        self.local_settings: dict[str, str] = {}
        if pooled:
            kept = _POOLER_SETTINGS
            self.local_settings = {k: v for k, v in settings.items() if k not in kept}
            settings = {k: v for k, v in settings.items() if k in kept}
        self._arguments["server_settings"] = settings
        self._arguments["statement_cache_size"] = 0 if pooled else config.pool.statement_cache
        self._arguments.setdefault("timeout", config.connect.timeout)

    async def connect(self) -> Connection:
        """Open one connection, one attempt; an embedded server that died is started again.

        Raises:
            ConfigError: The TLS files or the address make no sense.
            ConnectionFailed: The server cannot be reached, or refuses us.
        """
        try:
            try:
                return await self._connect()
            except (ConnectionRefusedError, FileNotFoundError, asyncpg.CannotConnectNowError):
                if self._embedded is None:
                    raise
            await asyncio.to_thread(self._embedded.revive)
            self._arguments["host"] = [self._embedded.host]
            return await self._connect()
        except (*WIRE_ERRORS, ValueError) as error:
            raise self.translator.connecting(error, self.address) from error

    async def _connect(self) -> Connection:
        connection = await asyncpg.connect(**self._arguments, connection_class=Connection)
        connection.statement_timeout = self._config.pool.command_timeout
        return connection

    async def connect_patiently(self) -> Connection:
        """Open one connection, with further attempts while the server may be starting.

        Raises:
            ConfigError: The TLS files or the address make no sense.
            ConnectionFailed: The server cannot be reached, or refuses us.
        """
        patience = self._config.connect
        for attempt in range(patience.retries):
            try:
                return await self.connect()
            except PolystoreError as error:
                if not error.retryable:
                    raise
            pause = min(patience.backoff * 2**attempt, _MAX_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        return await self.connect()

    async def facts(self, connection: Connection) -> ServerFacts:
        """Return what the server is.

        Raises:
            UnsupportedError: It is older than polystore supports, or the database not in UTF-8.
        """
        try:
            # In a transaction, as a pooler may change the server between two messages else.
            async with connection.transaction():
                row = await connection.fetchrow(_FACTS)
        except WIRE_ERRORS as error:
            raise self.translator.connecting(error, self.address) from error
        facts = ServerFacts(**dict(row or {}))
        if facts.version_number < MINIMUM_VERSION * 10_000:
            raise UnsupportedError(
                f"PostgreSQL {facts.version} at {self.address} is too old",
                backend=self.translator.backend,
                hint=f"Upgrade it to {MINIMUM_VERSION} or later",
            )
        if facts.encoding != "UTF8":
            raise UnsupportedError(
                f"database {facts.database!r} at {self.address} is in {facts.encoding}, which "
                "cannot hold every text",
                backend=self.translator.backend,
                hint="Use a database made with CREATE DATABASE ... ENCODING 'UTF8' "
                "TEMPLATE template0",
            )
        return facts

    async def prepare(self, connection: Connection, facts: ServerFacts) -> None:
        """Teach `connection` the binary forms of our types."""
        try:
            async with connection.transaction():
                await codecs.register(connection, facts.vector_schema)
        except WIRE_ERRORS as error:
            raise self.translator.connecting(error, self.address) from error


def _arguments(config: PostgresConfig, *, admin: bool) -> dict[str, Any]:
    target = config.target(admin=admin)
    target.ssl_files.update(config.ssl.libpq())
    arguments = target.arguments()
    mode = config.ssl.mode or target.sslmode
    if mode is not None:
        arguments["ssl"] = mode
    if target.settings:
        arguments["server_settings"] = dict(target.settings)
    if target.connect_timeout is not None:
        arguments["timeout"] = target.connect_timeout
    return arguments


def _address(arguments: dict[str, Any]) -> str:
    hosts: list[str] = arguments.get("host") or ["the default host"]
    ports: list[int] = arguments.get("port") or []
    padded = ports if len(ports) == len(hosts) else ports * len(hosts)
    names = [f"{h}:{p}" for h, p in zip(hosts, padded, strict=True)] if padded else hosts
    database = arguments.get("database")
    where = ", ".join(names)
    return f"{where} (database {database!r})" if database else where
