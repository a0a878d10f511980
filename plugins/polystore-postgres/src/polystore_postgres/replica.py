"""A standby that answers reads which need not be current, while it is in reach."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from polystore.errors import ConfigError, ConnectionFailed, OperationTimeout, PolystoreError
from polystore_postgres.freshness import Freshness

if TYPE_CHECKING:
    from polystore_postgres.config import PostgresConfig, ReplicaConfig
    from polystore_postgres.pool import Pool

_log = logging.getLogger("polystore")
_IDENTITY: Final = "SELECT system_identifier FROM pg_control_system()"


class Replica:
    """The pool of a replica, and whether it is in use just now.

    No call waits for a replica that is out of reach: it is tried again aside, while reads go to
    the primary.

    Attributes:
        settings: The block `replica:`.
        error: Why it is not in use; None: it is, or was never tried.
        reads: Statements that it answered.
        fallbacks: Statements that went to the primary instead.
        freshness: Whether its answers are young enough; None where any age will do.
    """

    def __init__(self, config: PostgresConfig, settings: ReplicaConfig, primary: Pool) -> None:
        self.settings = settings
        self.error: PolystoreError | None = None
        self.reads = 0
        self.fallbacks = 0
        self._config = config.model_copy(
            update={
                "dsn": settings.dsn,
                "admin_dsn": None,
                "replica": None,
                "pool": config.pool.model_copy(update={"min": 0}),
                "connect": config.connect.model_copy(update={"retries": 0}),
            }
        )
        self._primary = primary
        limit = settings.max_lag
        self.freshness = None if limit is None else Freshness(primary, limit, settings.timeout)
        self._identity = 0
        self._pool: Pool | None = None
        self._in_use = False
        self._next_try = 0.0
        self._trying: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def pool(self) -> Pool | None:
        """The pool, in use or not; None where it could never be opened."""
        return self._pool

    def ready(self) -> Pool | None:
        """Return the pool to read from; None: ask the primary."""
        if self._in_use and self._pool is not None:
            fresh = self.freshness is None or self.freshness.holds(self._pool)
            return self._pool if fresh else None
        if self._trying is None and self._loop.time() >= self._next_try:
            self._trying = self._loop.create_task(self._try_again())
        return None

    def answered(self) -> None:
        """Count a statement that was answered."""
        self.reads += 1

    def passed_over(self) -> None:
        """Count a statement that the primary has to answer."""
        self.fallbacks += 1

    def failed(self, error: PolystoreError) -> None:
        """Leave the replica alone for a while, if `error` says that it is out of reach."""
        if isinstance(error, ConnectionFailed | OperationTimeout):
            self._leave(error)

    async def start(self) -> None:
        """Connect; a replica that is out of reach is told in the log and tried again later.

        Raises:
            ConfigError: It is a standby of another server.
        """
        # Asked once, as the replica may have to be found again while there is no primary.
        self._identity = await self._primary.fetchval(_IDENTITY)
        try:
            await self._enter()
        except ConfigError:
            raise
        except PolystoreError as error:
            self._leave(error)

    def renew(self) -> None:
        """Connect anew, as what the primary has was changed."""
        pool, self._pool = self._pool, None
        self._in_use = False
        self._next_try = 0.0
        self._forget()
        if pool is not None:
            pool.terminate()

    async def close(self) -> None:
        """Let go of every connection."""
        self._in_use = False
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.gather(self._trying, return_exceptions=True)
        if self.freshness is not None:
            await self.freshness.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    def _forget(self) -> None:
        if self.freshness is not None:
            self.freshness.forget()

    async def _try_again(self) -> None:
        try:
            await self._enter()
        except PolystoreError as error:
            self._leave(error)
        finally:
            self._trying = None

    async def _enter(self) -> None:
        if self._pool is None:
            pool = await type(self._primary).open(self._config, backend=self._primary.backend)
            try:
                await self._check(pool)
            except BaseException:
                pool.terminate()
                raise
            self._pool = pool
        else:
            await self._pool.fetchval("SELECT 1", timeout=self._config.connect.timeout)
        if self.error is not None:
            _log.info("backend %s reads from its replica again", self._primary.backend)
        self.error, self._in_use = None, True

    async def _check(self, pool: Pool) -> None:
        if await pool.fetchval(_IDENTITY) != self._identity:
            raise ConfigError(
                f"the replica at {pool.endpoint.address} is no standby of "
                f"{self._primary.endpoint.address}: they are two servers with different data",
                backend=pool.backend,
                hint="Correct replica.dsn, or remove the block replica",
            )
        here, there = self._primary.facts, pool.facts
        if (here.database, here.vector_schema) != (there.database, there.vector_schema):
            raise ConnectionFailed(
                f"the replica at {pool.endpoint.address} has another database, or has not yet "
                "got the extension vector",
                backend=pool.backend,
                hint="Wait until it has caught up, or correct replica.dsn",
            )

    def _leave(self, error: PolystoreError) -> None:
        if self.error is None:
            _log.warning(
                "backend %s: the replica is out of reach, so reads go to the primary: %s",
                self._primary.backend,
                error,
            )
        self.error, self._in_use = error, False
        self._forget()
        self._next_try = self._loop.time() + self.settings.pause
