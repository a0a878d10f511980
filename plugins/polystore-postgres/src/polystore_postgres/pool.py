"""The pool: how every statement of this backend reaches the server.

It keeps connections itself instead of using the driver's pool, whose reset query per borrow and
extra task per return cost more than a point read. A connection comes back as it went out: one
left in a transaction, or whose statement was cancelled, is rolled back and reset in the
background before anybody gets it; one that does not recover is closed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore_postgres.borrow import Borrow, set_here
from polystore_postgres.calls import session_of
from polystore_postgres.connection import Connection, Endpoint, ServerFacts, be_patient
from polystore_postgres.errors import DRIVER_ERRORS, WIRE_ERRORS
from polystore_postgres.lanes import Lane, Reads, ReplicaLane
from polystore_postgres.replica import Replica
from polystore_postgres.tenants import EVERYWHERE, WORKSPACE, check_user
from polystore_postgres.transaction import run_transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    import asyncpg

    from polystore.types.call import Call, Isolation
    from polystore_postgres.config import PostgresConfig
    from polystore_postgres.embedded import EmbeddedServer
    from polystore_postgres.session import Session
from polystore_postgres.slots import CLOSE_TIMEOUT, PoolStats, Slots

__all__ = ["Pool", "PoolStats"]


class Pool(Slots):
    """Connections to one server, for one event loop.

    Attributes:
        config: The backend's configuration.
        backend: Its name.
        facts: What the server is.
        translator: Of errors.
        replica: Where reads that need not be current are answered; None: here.
    """

    def __init__(self, config: PostgresConfig, endpoint: Endpoint, facts: ServerFacts) -> None:
        super().__init__(config, endpoint, facts)
        self.replica: Replica | None = None
        self._outside_units = Lane(self, None)

    @classmethod
    async def open(
        cls, config: PostgresConfig, *, backend: str, embedded: EmbeddedServer | None = None
    ) -> Pool:
        """Connect and return the pool, trying again while the server is starting.

        Args:
            config: The backend's configuration.
            backend: Its name, for errors.
            embedded: The running server, where the configuration says `embedded`.

        Raises:
            ConfigError: The address or the TLS files make no sense.
            ConnectionFailed: The server cannot be reached, or refuses us.
            UnsupportedError: It is too old.
        """
        endpoint = Endpoint(config, backend=backend, embedded=embedded)
        first = await endpoint.connect_patiently()
        try:
            facts = await endpoint.facts(first)
            if config.row_level_security:
                check_user(facts, backend=backend)
            await endpoint.prepare(first, facts)
        except BaseException:
            first.terminate()
            raise
        pool = cls(config, endpoint, facts)
        await pool.warm_up(first)
        if config.replica is not None:
            pool.replica = Replica(config, config.replica, pool)
            try:
                await pool.replica.start()
            except BaseException:
                pool.terminate()
                raise
        return pool

    def writing(self, call: Call) -> Lane:
        """Return where `call` writes, and reads what has to be current."""
        session = session_of(call)
        if self.config.row_level_security:
            return Lane(self, session, self.tenant(call.workspace))
        return self._outside_units if session is None else Lane(self, session)

    def tenant(self, workspace: str) -> dict[str, str] | None:
        """Return the settings under which a statement sees the rows of `workspace`.

        None where the server does not ask whose rows are meant.
        """
        return {WORKSPACE: workspace} if self.config.row_level_security else None

    @property
    def everywhere(self) -> dict[str, str] | None:
        """The settings under which a statement sees the rows of all workspaces, as `tenant`."""
        return EVERYWHERE if self.config.row_level_security else None

    def reading(self, call: Call) -> Reads:
        """Return where `call` reads: on the replica if that is enough for it and there is one."""
        replica = self.replica
        if replica is None or call.consistency != "eventual" or call.session is not None:
            return self.writing(call)
        # So that enough of the call's own time is left for the primary.
        limit = min(replica.settings.timeout, (call.timeout or self.config.timeout) / 2)
        return ReplicaLane(replica, self.writing(call), limit, self.tenant(call.workspace))

    @override
    async def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        replica, self.replica = self.replica, None
        try:
            if replica is not None:
                await replica.close()
        finally:
            await super().close(timeout)

    def acquire(
        self,
        session: Session | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        autocommit: bool = False,
        raw: bool = False,
        idempotent: bool = True,
    ) -> Borrow:
        """Lend a connection: `async with pool.acquire() as connection`.

        Errors of the driver inside the block come out translated.

        Args:
            session: A unit's session: its connection is lent, one borrower at a time.
            settings: Server settings that hold inside the block. Nothing is sent when they hold
                already. Without them, none that changes other queries is left from before.
            timeout: Seconds to wait for a connection; None: `pool.acquire_timeout`.
            autocommit: The block runs statements without parameters that cannot be in a
                transaction; matters behind a pooler only, where each block is a transaction.
            raw: The block may do anything to the session: it is reset afterwards.
            idempotent: Whether what the block does can be done twice. If not, losing the
                connection raises OutcomeUnknown.

        Raises:
            OperationTimeout: No connection came free in time.
            ConnectionFailed: A new one could not be opened.
            Closed: The pool, or the session, is closed.
            WrongLoop: The pool belongs to another event loop.
        """
        return Borrow(
            self,
            session,
            settings,
            timeout,
            autocommit=autocommit,
            raw=raw,
            idempotent=idempotent,
        )

    async def fetch(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> list[asyncpg.Record]:
        """Run one statement and return its rows; arguments as for `acquire`."""
        quick = self.take(settings) if session is None else None
        if quick is None:
            lent = Borrow(self, session, settings, timeout, idempotent=idempotent)
            async with lent as connection:
                return await connection.fetch(sql, *arguments, timeout=timeout)
        try:
            found = await quick.fetch(sql, *arguments, timeout=timeout)
        except BaseException as error:
            await Borrow.failed(self, quick, error, idempotent=idempotent)
            raise
        self.give_back(quick)
        return found

    async def fetchrow(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> asyncpg.Record | None:
        """Run one statement and return its first row; arguments as for `acquire`."""
        quick = self.take(settings) if session is None else None
        if quick is None:
            lent = Borrow(self, session, settings, timeout, idempotent=idempotent)
            async with lent as connection:
                return await connection.fetchrow(sql, *arguments, timeout=timeout)
        try:
            found = await quick.fetchrow(sql, *arguments, timeout=timeout)
        except BaseException as error:
            await Borrow.failed(self, quick, error, idempotent=idempotent)
            raise
        self.give_back(quick)
        return found

    async def fetchval(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> Any:
        """Run one statement and return the first value of its first row, else None."""
        quick = self.take(settings) if session is None else None
        if quick is None:
            lent = Borrow(self, session, settings, timeout, idempotent=idempotent)
            async with lent as connection:
                return await connection.fetchval(sql, *arguments, timeout=timeout)
        try:
            found = await quick.fetchval(sql, *arguments, timeout=timeout)
        except BaseException as error:
            await Borrow.failed(self, quick, error, idempotent=idempotent)
            raise
        self.give_back(quick)
        return found

    async def execute(
        self,
        sql: str,
        *arguments: Any,
        session: Session | None = None,
        settings: Mapping[str, str] | None = None,
        timeout: float | None = None,
        idempotent: bool = True,
    ) -> str:
        """Run one statement (without arguments: several) and return its command tag."""
        quick = self.take(settings) if session is None else None
        if quick is None:
            lent = Borrow(self, session, settings, timeout, idempotent=idempotent)
            async with lent as connection:
                return await connection.execute(sql, *arguments, timeout=timeout)
        try:
            found = await quick.execute(sql, *arguments, timeout=timeout)
        except BaseException as error:
            await Borrow.failed(self, quick, error, idempotent=idempotent)
            raise
        self.give_back(quick)
        return found

    @contextlib.asynccontextmanager
    async def transaction(
        self,
        *,
        isolation: Isolation = "read committed",
        readonly: bool = False,
        timeout: float | None = None,
        idempotent: bool = False,
    ) -> AsyncGenerator[Session]:
        """Open a transaction; it commits at the end of the block, or rolls back on an error.

        Args:
            isolation: As the server means it.
            readonly: Whether writes are refused.
            timeout: Seconds to wait for a connection.
            idempotent: Whether the whole block can be done twice.

        Raises:
            OutcomeUnknown: The connection was lost during the commit, and not `idempotent`.
            Conflict: Another transaction came first, or a statement in the block had failed.
        """
        async with run_transaction(self, isolation, readonly, timeout, idempotent) as session:
            yield session

    @contextlib.asynccontextmanager
    async def spare(self, settings: Mapping[str, str]) -> AsyncGenerator[Connection]:
        """Lend a connection to somebody who holds one already, for a moment.

        It is one beyond `pool.max` when none is free: waiting for one that comes back could last
        for ever, if those who hold them all wait for a second one.

        Args:
            settings: Server settings that hold inside the block.

        Raises:
            ConnectionFailed: It could not be opened.
            Closed: The pool is closed.
        """
        if self.has_room():
            async with self.acquire(settings=settings) as connection:
                yield connection
            return
        connection = await self.endpoint.connect()
        try:
            async with connection.transaction():
                await set_here(connection, {**self.endpoint.local_settings, **settings})
                yield connection
        except DRIVER_ERRORS as error:
            raise self.translator.statement(error) from error
        finally:
            connection.terminate()

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncGenerator[Connection]:
        """Lend a connection for schema work: to `admin_dsn` where given, else of this pool."""
        if self.config.admin_dsn is None:
            async with self.acquire(autocommit=True, raw=True) as connection:
                if not self.config.pgbouncer:  # it would reach whoever gets that session next
                    await self._prepare_admin(connection)
                yield connection
            return
        endpoint = Endpoint(self.config, backend=self.backend, admin=True)
        connection = await endpoint.connect_patiently()
        try:
            await endpoint.prepare(connection, await endpoint.facts(connection))
            await self._prepare_admin(connection)
            yield connection
        except WIRE_ERRORS as error:
            raise self.translator.statement(error) from error
        finally:
            connection.terminate()

    async def _prepare_admin(self, connection: Connection) -> None:
        await be_patient(connection, local=False)
        if self.everywhere is not None:
            await set_here(connection, self.everywhere, local=False)

    async def refresh(self) -> ServerFacts:
        """Read the server's facts again, e.g. after installing pgvector; renews connections."""
        async with self.acquire(autocommit=True) as connection:
            self.facts = await self.endpoint.facts(connection)
        self.renew()
        if self.replica is not None:
            self.replica.renew()
        return self.facts
