"""The SQLite backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, SchemaMismatch
from polystore.specs import GraphSpec, KVSpec, VectorSpec
from polystore.stored import read_stored
from polystore.types.json_domain import decode_json, encode_json
from polystore.types.reports import Change, Finding
from polystore_sqlite.config import SqliteConfig
from polystore_sqlite.database import Database
from polystore_sqlite.doc import SqliteDoc
from polystore_sqlite.graph import SqliteGraph
from polystore_sqlite.kv import SqliteKV
from polystore_sqlite.plugin import CAPABILITIES
from polystore_sqlite.schema import LAYOUT, VERSION, change_statements, table_of
from polystore_sqlite.vector import SqliteVector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.call import Isolation
    from polystore_sqlite.connection import Connection, Row


class SqliteBackend(Backend[SqliteConfig]):
    """All four kinds in one file."""

    def __init__(self, name: str, config: SqliteConfig) -> None:
        super().__init__(name, config)
        self._database: Database | None = None

    @override
    async def open(self) -> None:
        self._database = Database(self.config)
        version = await self._layout_version()
        if version > VERSION:
            raise SchemaMismatch(
                f"the file has layout {version}, this plugin knows {VERSION}",
                backend=self.name,
                hint="Upgrade polystore-sqlite",
            )

    @override
    async def close(self) -> None:
        if self._database is not None:
            database, self._database = self._database, None
            await database.close()

    @override
    async def ping(self) -> None:
        await self._layout_version()

    @property
    @override
    def raw(self) -> Database:
        """`await raw.read(None, lambda connection: ...)` and `write` give an apsw connection."""
        if self._database is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._database

    @property
    @override
    def schema_auto(self) -> bool:
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
    def capabilities(self, kind: Kind) -> Capabilities | None:
        return CAPABILITIES[kind]

    @override
    async def bind(self, stored: StoredSpec) -> Driver:
        spec = stored.spec
        if isinstance(spec, KVSpec):
            return SqliteKV(self.raw, stored)
        if isinstance(spec, VectorSpec):
            return SqliteVector(self.raw, stored, spec)
        if isinstance(spec, GraphSpec):
            return SqliteGraph(self.raw, stored, spec)
        return SqliteDoc(self.raw, stored)

    @override
    async def layout_changes(self) -> Sequence[Change]:
        if await self._layout_version():
            return ()
        summary = "create polystore's own tables"
        return (Change(self.name, None, "migrate_layout", summary, LAYOUT),)

    @override
    async def apply_layout(self) -> None:
        def lay_out(connection: Connection) -> None:
            if not connection.value("PRAGMA user_version"):
                for statement in LAYOUT:
                    connection.change(statement)

        async with self.schema_lock():
            await self.raw.outside_transactions(lambda c: c.value("PRAGMA journal_mode = wal"))
            await self.raw.write(None, lay_out)

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        def stores(connection: Connection) -> list[Row]:
            if not connection.value("PRAGMA user_version"):
                return []
            return connection.rows("SELECT spec, generation, origin FROM polystore_stores")

        found = [
            read_stored(decode_json(document), generation, origin)
            for document, generation, origin in await self.raw.read(None, stores)
        ]
        return {stored.spec.name: stored for stored in found}

    @override
    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
        return change_statements(stored, change)

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        name, document = stored.spec.name, encode_json(stored.document()).decode()
        gone = {"drop_store": name, "rename_store": "".join(change.subject)}.get(change.action)

        def make_so(connection: Connection) -> None:
            # Each statement makes only what is not there yet, so that all can be repeated.
            for statement in change_statements(stored, change):
                connection.change(statement)
            if gone is not None:
                connection.change("DELETE FROM polystore_stores WHERE name = ?", (gone,))
            if change.action != "drop_store":
                row = (name, document, stored.generation, stored.origin)
                connection.change("REPLACE INTO polystore_stores VALUES (?, ?, ?, ?)", row)

        await self.raw.write(None, make_so)

    @override
    async def workspaces(self) -> list[str]:
        stores = (await self.catalogue()).values()
        tables = [table_of(one) for stored in stores for one in stored.with_records()]
        selects = [f"SELECT DISTINCT workspace FROM {table}" for table in tables]
        return await self.raw.read(
            None, lambda c: sorted({row[0] for select in selects for row in c.rows(select)})
        )

    @override
    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        async with self.raw.schema_lock():
            yield

    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        # One unit at a time is serializable, whatever was asked for.
        async with self.raw.unit() as session:
            yield session

    @override
    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:
        versions = await self.raw.read(
            None, lambda c: c.rows("SELECT sqlite_version(), vec_version()")
        )
        sqlite, vec = versions[0]
        return [Finding(self.name, "version", "ok", f"SQLite {sqlite}, sqlite-vec {vec}")]

    async def _layout_version(self) -> int:
        return await self.raw.read(None, lambda connection: connection.value("PRAGMA user_version"))
