"""The backend: one PostgreSQL, reached by an address or embedded."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, UnsupportedError
from polystore.types.reports import Change, PoolUse
from polystore_postgres import catalogue, ledger
from polystore_postgres.capabilities import live_capabilities
from polystore_postgres.config import PostgresConfig
from polystore_postgres.embedded import EmbeddedServer, start_embedded
from polystore_postgres.exclusion import exclusively
from polystore_postgres.findings import find
from polystore_postgres.grants import grant_layout, grant_store
from polystore_postgres.kinds import KINDS
from polystore_postgres.names import Names
from polystore_postgres.pool import Pool
from polystore_postgres.progress import told
from polystore_postgres.repairs import find_repairs, repair
from polystore_postgres.tenants import check_guard
from polystore_postgres.vector_rebuild import rebuild_index
from polystore_postgres.workspaces import list_workspaces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from datetime import datetime

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.addresses import TlsAddress
    from polystore.types.call import Isolation
    from polystore.types.reports import Finding
    from polystore_postgres.connection import Connection


class PostgresBackend(Backend[PostgresConfig]):
    """All stores of one schema in one database, through one pool."""

    def __init__(self, name: str, config: PostgresConfig) -> None:
        super().__init__(name, config)
        self._server: EmbeddedServer | None = None
        self._pool: Pool | None = None

    @property
    def pool(self) -> Pool:
        """The open pool.

        Raises:
            Closed: The backend is not open.
        """
        if self._pool is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._pool

    @property
    def names(self) -> Names:
        """The names in our schema and in that of pgvector."""
        return Names(self.config.namespace, self.pool.facts.vector_schema or "public")

    @property
    @override
    def raw(self) -> Pool:
        """The pool; `async with backend.raw.acquire(raw=True)` lends an asyncpg connection."""
        return self.pool

    @property
    @override
    def schema_auto(self) -> bool:
        return self.config.embedded

    @property
    @override
    def rebuilds(self) -> bool:
        return True

    @property
    @override
    def removes(self) -> bool:
        return True

    @property
    @override
    def renames(self) -> bool:
        return True

    @override
    async def open(self) -> None:
        if self.config.embedded:
            self._server = await start_embedded(self.config.path)
        self._pool = await Pool.open(self.config, backend=self.name, embedded=self._server)

    @override
    async def close(self) -> None:
        pool, self._pool = self._pool, None
        server, self._server = self._server, None
        try:
            if pool is not None:
                await pool.close()
        finally:
            if server is not None:
                await server.close()

    @override
    async def ping(self) -> None:
        await self.pool.fetchval("SELECT 1")

    @override
    def capabilities(self, kind: Kind) -> Capabilities | None:
        facts = self.pool.facts
        has_vector = facts.has_vector or facts.vector_available is not None
        return live_capabilities(
            kind,
            has_vector=has_vector,
            has_trigrams=facts.trigram_schema is not None,
            connections=self.config.pool.max,
        )

    @override
    async def bind(self, stored: StoredSpec) -> Driver:
        kind = stored.spec.kind
        capabilities = self.capabilities(kind)
        if capabilities is None:
            raise UnsupportedError(
                f"PostgreSQL {self.pool.facts.version} at {self.pool.endpoint.address} has no "
                "pgvector, which vector stores need",
                backend=self.name,
                store=stored.spec.name,
                hint="Install pgvector on the server (the package is called postgresql-<version>-"
                "pgvector on Debian), or put this store on another backend",
            )
        if self.config.schema_ != "off":
            await check_guard(self.pool, stored, self.names)
        return KINDS[kind].load_driver()(self.pool, stored, self.names, capabilities)

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        async with self.pool.acquire() as connection:
            return await catalogue.read_catalogue(connection, self.names)

    @override
    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
        async with self.pool.acquire() as connection:
            found = await catalogue.change_statements(
                connection, self.names, stored, change, guarded=self.config.row_level_security
            )
        return tuple(found)

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if stored.spec.kind == "vector" and not self.pool.facts.has_vector:
            async with self.pool.admin() as connection:
                await ledger.ensure_vector(connection)
            await self.pool.refresh()
        async with told(self.pool, self.names.schema, self.on_progress):
            await self._apply_change(stored, change)

    async def _apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "rebuild_index":
            await rebuild_index(self.pool, stored, self.names)
        async with self.pool.admin() as connection:
            guarded = self.config.row_level_security
            await catalogue.apply_change(
                connection, self.names, stored, change, guarded=guarded, backend=self
            )
            if self.config.admin_dsn is not None:
                await self._grant(connection, stored, change)

    async def _grant(self, connection: Connection, stored: StoredSpec, change: SpecChange) -> None:
        """Let the pool's user use what was made."""
        made = stored
        if change.action == "start_generation":
            made = stored.numbered(int(change.subject[0]))
        elif change.action != "create_store":
            return
        await grant_store(connection, self.names, made, self.pool.facts.user)

    @override
    async def layout_changes(self) -> Sequence[Change]:
        schema = self.names.schema
        async with self.pool.acquire() as connection:
            pending = await ledger.pending(connection, schema)
        return [
            Change(
                backend=self.name,
                store=None,
                action="migrate_layout",
                summary=f"migration {step.version} ({step.name}) of schema {schema!r}",
                statements=(step.sql.replace("__SCHEMA__", self.names.quoted),),
            )
            for step in pending
        ]

    @override
    async def apply_layout(self) -> None:
        async with self.pool.admin() as connection:
            await ledger.migrate(connection, self.names.schema)
            if self.config.admin_dsn is not None:
                await grant_layout(connection, self.names, self.pool.facts.user)

    @override
    async def repairs(self, stored: Sequence[StoredSpec]) -> Sequence[Change]:
        return await find_repairs(self.pool, self.names, stored)

    @override
    async def repair(self, stored: Sequence[StoredSpec]) -> None:
        async with told(self.pool, self.names.schema, self.on_progress):
            await repair(self.pool, self.names, stored)

    @override
    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        what = f"polystore stores {self.names.schema}"
        async with super().schema_lock(), exclusively(self.pool, what):
            yield

    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        async with self.pool.transaction(isolation=isolation) as session:
            yield session

    @override
    def pool_use(self) -> PoolUse | None:
        if self._pool is None:
            return None
        stats = self._pool.stats()
        return PoolUse(
            stats.in_use, stats.idle, stats.waiting, stats.maximum, stats.created, stats.closed
        )

    @override
    async def server_time(self) -> datetime:
        return await self.pool.fetchval("SELECT clock_timestamp()", settings=self.pool.everywhere)

    @override
    def tls_addresses(self) -> Sequence[TlsAddress]:
        return self.config.tls_addresses()

    @override
    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:
        return await find(self.pool, self.names, stored)

    @override
    async def workspaces(self) -> list[str]:
        catalogue = await self.catalogue()
        stores = [one for stored in catalogue.values() for one in stored.with_records()]
        return await list_workspaces(self.pool, self.names, stores)
