"""The server: one driver, whose statements raise polystore's errors only."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import neo4j
from neo4j.auth_management import AsyncClientCertificateProviders, ClientCertificate

from polystore.errors import Closed, OutcomeUnknown
from polystore.types.reports import PoolUse
from polystore_neo4j.errors import DRIVER_ERRORS, Translator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Mapping

    from polystore_neo4j.config import Neo4jConfig

Row = list[Any]
T = TypeVar("T")

_PATIENCE: Final = 1.0
"""Seconds that what was sent may take to end after its caller was cancelled."""

_COMPONENTS: Final = "CALL dbms.components() YIELD versions, edition RETURN versions[0], edition"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server is: its version, and its edition (`community`, `enterprise`, ...)."""

    version: str
    edition: str

    @property
    def number(self) -> tuple[int, ...]:
        """The version, to compare with."""
        return tuple(int(part) for part in self.version.split("-")[0].split(".")[:2])


class Transaction:
    """An open transaction: what a unit of work carries, and a write of many statements uses."""

    def __init__(self, transaction: Any, translator: Translator) -> None:
        self._transaction = transaction
        self._translator = translator
        self.is_open = True
        self._turn = asyncio.Lock()  # a connection carries one statement at a time

    async def run(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Return the rows that a statement answers.

        Raises:
            Closed: The transaction has ended.
        """
        if not self.is_open:
            raise Closed("the unit of work has ended", backend=self._translator.backend)
        try:
            async with self._turn:
                result = await self._transaction.run(statement, dict(parameters))
                return [record.values() async for record in result]
        except DRIVER_ERRORS as error:
            raise self._translator.error(error) from error


class Server:
    """What the driver of graphs talks to.

    Args:
        name: The backend's name, for errors.
        config: The block.
    """

    def __init__(self, name: str, config: Neo4jConfig) -> None:
        self.name = name
        self.config = config
        password = config.password
        self._secret = password.get_secret_value() if password is not None else None
        self.translator = Translator(name, self._secret)
        self._driver: Any = None
        self._created = 0
        self._facts: Facts | None = None
        # Whatever session reads next waits for what this client has written, on any member.
        self._bookmarks: Any = neo4j.AsyncGraphDatabase.bookmark_manager()

    async def open(self) -> None:
        """Connect and learn what the server is."""
        try:
            database: Any = neo4j.AsyncGraphDatabase  # whose types know no settings
            self._driver = database.driver(self.config.uri, **self._settings())
            self._count(self._driver._pool)  # noqa: SLF001 - the driver tells nobody of its pool
        except DRIVER_ERRORS as error:
            raise self.translator.error(error, sent=False) from error
        ((version, edition),) = await self.read(_COMPONENTS, {})
        self._facts = Facts(version, edition)

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    @property
    def driver(self) -> Any:
        """The driver itself."""
        if self._driver is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._driver

    def pool_use(self) -> PoolUse | None:
        """Return what the connections are doing, those to all members together."""
        if self._driver is None:
            return None
        pool = self._driver._pool  # noqa: SLF001
        with pool.lock:
            open_ = [one for several in pool.connections.values() for one in several]
            opening = sum(pool.connections_reservations.values())
        used = sum(connection.in_use for connection in open_)
        return PoolUse(
            in_use=used + opening,
            idle=len(open_) - used,
            # Those who wait wait for their turn at the gate: it lets in as many as there may be.
            waiting=0,
            maximum=self.config.pool.max,
            created=self._created,
            closed=self._created - len(open_),
        )

    def _count(self, pool: Any) -> None:
        opener = pool.opener

        async def counted(*arguments: Any) -> Any:
            connection = await opener(*arguments)
            self._created += 1
            return connection

        pool.opener = counted

    @property
    def facts(self) -> Facts:
        """What the server is."""
        if self._facts is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._facts

    async def read(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Return the rows that one reading statement answers."""
        return await self._alone(statement, parameters, neo4j.READ_ACCESS)

    async def write(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """Return the rows that one writing statement, a transaction by itself, answers."""
        return await self._alone(statement, parameters, neo4j.WRITE_ACCESS)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Open a transaction; leaving normally commits, an exception rolls back and goes on.

        Raises:
            OutcomeUnknown: The connection was lost while it was committed.
        """
        async with self._session(neo4j.WRITE_ACCESS) as session:
            try:
                opened = await _uncut(session, session.begin_transaction())
            except DRIVER_ERRORS as error:
                raise self.translator.error(error, sent=False) from error
            unit = Transaction(opened, self.translator)
            try:
                yield unit
            except Exception:
                await self._roll_back(opened)
                raise
            finally:
                unit.is_open = False
            await self._commit(session, opened)

    async def _roll_back(self, opened: Any) -> None:
        """Undo a transaction; where the server is out of reach, it does so by itself."""
        try:
            await opened.rollback()
        except DRIVER_ERRORS:
            opened.cancel()

    async def _commit(self, session: Any, opened: Any) -> None:
        try:
            await _uncut(session, opened.commit(), patience=_PATIENCE)
        except DRIVER_ERRORS as error:
            told = self.translator.error(error)
            if getattr(told, "maybe_applied", False):
                raise OutcomeUnknown(
                    f"the transaction may or may not be committed: {told.message}",
                    backend=self.name,
                    hint="Read what it wrote to learn which",
                ) from error
            raise told from error

    async def _alone(self, statement: str, parameters: Mapping[str, Any], access: str) -> list[Row]:
        async with self._session(access) as session:
            try:
                work = _answered(session, statement, parameters)
                patience = _PATIENCE if access == neo4j.WRITE_ACCESS else 0
                return await _uncut(session, work, patience=patience)
            except DRIVER_ERRORS as error:
                raise self.translator.error(error) from error

    @asynccontextmanager
    async def _session(self, access: str) -> AsyncGenerator[Any]:
        session = self.driver.session(
            database=self.config.database,
            default_access_mode=access,
            bookmark_manager=self._bookmarks,
        )
        try:
            yield session
        except asyncio.CancelledError:
            # Ends the connection, and with it whatever was going on there.
            session.cancel()
            raise
        finally:
            await self._end(session)

    async def _end(self, session: Any) -> None:
        try:
            await session.close()
        except DRIVER_ERRORS as error:
            raise self.translator.error(error) from error

    def _settings(self) -> dict[str, Any]:
        config = self.config
        settings: dict[str, Any] = {
            "auth": None if self._secret is None else (config.username, self._secret),
            "max_connection_pool_size": config.pool.max,
            "connection_acquisition_timeout": config.pool.acquire_timeout,
            "max_connection_lifetime": config.pool.max_lifetime,
            "connection_timeout": config.connect_timeout,
            "telemetry_disabled": True,
            "notifications_min_severity": "OFF",
        }
        tls = config.tls
        if tls is None:
            return settings
        settings["encrypted"] = True
        settings["trusted_certificates"] = (
            neo4j.TrustSystemCAs()
            if tls.root_cert is None
            else neo4j.TrustCustomCAs(str(tls.root_cert))
        )
        if tls.cert is not None and tls.key is not None:
            password = None if tls.key_password is None else tls.key_password.get_secret_value()
            certificate = ClientCertificate(str(tls.cert), str(tls.key), password)
            settings["client_certificate"] = AsyncClientCertificateProviders.static(certificate)
        return settings


async def _uncut(session: Any, work: Coroutine[Any, Any, T], *, patience: float = 0) -> T:
    """Return what `work` returns, which is not cut off in the middle when the caller is.

    The driver leaves a connection behind that is cancelled while it is being opened. And what has
    been sent may still be committed: it is given time to, so that who was cancelled does not see it
    come later.

    Args:
        session: The session; ending it ends what runs there.
        work: What to do.
        patience: Seconds that it may still take.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if patience:
            await asyncio.wait([task], timeout=patience)
        session.cancel()
        await asyncio.wait([task], timeout=_PATIENCE)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # it is told nobody any more
        raise


async def _answered(session: Any, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
    # Not execute_read or execute_write: they repeat by themselves, as the gate does.
    result = await session.run(statement, dict(parameters))
    return [record.values() async for record in result]
