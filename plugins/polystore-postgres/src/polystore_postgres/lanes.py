"""Where the statements of one call run: in its unit, on the primary, or on a replica."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from polystore.errors import PolystoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import asyncpg

    from polystore_postgres.pool import Pool
    from polystore_postgres.replica import Replica
    from polystore_postgres.session import Session

T = TypeVar("T")


class Reads(Protocol):
    """Runs statements that change nothing."""

    async def fetch(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> list[asyncpg.Record]:
        """Run one statement and return its rows."""
        ...

    async def fetchrow(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> asyncpg.Record | None:
        """Run one statement and return its first row, else None."""
        ...

    async def fetchval(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> Any:
        """Run one statement and return the first value of its first row, else None."""
        ...


class Lane:
    """The primary, in the call's unit if it has one; arguments as for `Pool.acquire`.

    Args:
        pool: Of the primary.
        session: The call's unit.
        tenant: The settings that say whose rows are meant, where the server asks for that.
    """

    __slots__ = ("_pool", "_session", "_tenant")

    def __init__(
        self, pool: Pool, session: Session | None, tenant: dict[str, str] | None = None
    ) -> None:
        self._pool = pool
        self._session = session
        self._tenant = tenant

    async def fetch(
        self,
        sql: str,
        *arguments: Any,
        settings: Mapping[str, str] | None = None,
        idempotent: bool = True,
    ) -> list[asyncpg.Record]:
        """Run one statement and return its rows."""
        settings = together(self._tenant, settings)
        return await self._pool.fetch(
            sql, *arguments, session=self._session, settings=settings, idempotent=idempotent
        )

    async def fetchrow(
        self,
        sql: str,
        *arguments: Any,
        settings: Mapping[str, str] | None = None,
        idempotent: bool = True,
    ) -> asyncpg.Record | None:
        """Run one statement and return its first row, else None."""
        settings = together(self._tenant, settings)
        return await self._pool.fetchrow(
            sql, *arguments, session=self._session, settings=settings, idempotent=idempotent
        )

    async def fetchval(
        self,
        sql: str,
        *arguments: Any,
        settings: Mapping[str, str] | None = None,
        idempotent: bool = True,
    ) -> Any:
        """Run one statement and return the first value of its first row, else None."""
        settings = together(self._tenant, settings)
        return await self._pool.fetchval(
            sql, *arguments, session=self._session, settings=settings, idempotent=idempotent
        )

    async def execute(
        self,
        sql: str,
        *arguments: Any,
        settings: Mapping[str, str] | None = None,
        idempotent: bool = True,
    ) -> str:
        """Run one statement and return its command tag."""
        settings = together(self._tenant, settings)
        return await self._pool.execute(
            sql, *arguments, session=self._session, settings=settings, idempotent=idempotent
        )


class ReplicaLane:
    """The replica; where it does not answer as it should, the primary.

    Args:
        replica: The replica.
        primary: Where to go instead.
        limit: Seconds that the replica may take.
        tenant: As for `Lane`.
    """

    __slots__ = ("_limit", "_primary", "_replica", "_tenant")

    def __init__(
        self, replica: Replica, primary: Lane, limit: float, tenant: dict[str, str] | None = None
    ) -> None:
        self._tenant = tenant
        self._replica = replica
        self._primary = primary
        self._limit = limit

    async def fetch(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> list[asyncpg.Record]:
        """Run one statement and return its rows."""
        there = together(self._tenant, settings)
        return await self._ask(
            lambda pool: pool.fetch(sql, *arguments, settings=there, timeout=self._limit),
            lambda: self._primary.fetch(sql, *arguments, settings=settings),
        )

    async def fetchrow(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> asyncpg.Record | None:
        """Run one statement and return its first row, else None."""
        there = together(self._tenant, settings)
        return await self._ask(
            lambda pool: pool.fetchrow(sql, *arguments, settings=there, timeout=self._limit),
            lambda: self._primary.fetchrow(sql, *arguments, settings=settings),
        )

    async def fetchval(
        self, sql: str, *arguments: Any, settings: Mapping[str, str] | None = None
    ) -> Any:
        """Run one statement and return the first value of its first row, else None."""
        there = together(self._tenant, settings)
        return await self._ask(
            lambda pool: pool.fetchval(sql, *arguments, settings=there, timeout=self._limit),
            lambda: self._primary.fetchval(sql, *arguments, settings=settings),
        )

    async def _ask(
        self, there: Callable[[Pool], Awaitable[T]], here: Callable[[], Awaitable[T]]
    ) -> T:
        pool = self._replica.ready()
        if pool is not None:
            try:
                found = await there(pool)
            except PolystoreError as error:
                # Whatever it was: a table that is not there yet, a row that was vacuumed away, or
                # a call that is wrong. The primary knows, and its answer is the call's.
                self._replica.failed(error)
            else:
                self._replica.answered()
                return found
        self._replica.passed_over()
        return await here()


def together(
    tenant: dict[str, str] | None, settings: Mapping[str, str] | None
) -> Mapping[str, str] | None:
    """Return the settings of a statement with those that say whose rows it may see."""
    if tenant is None or not settings:
        return tenant or settings
    return {**tenant, **settings}
