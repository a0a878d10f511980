"""The Neo4j backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, PolystoreError, UnsupportedError
from polystore.specs import GraphSpec
from polystore.types.call import Call
from polystore.types.reports import Change
from polystore_neo4j import findings
from polystore_neo4j.capabilities import live_capabilities
from polystore_neo4j.catalogue import Catalogue
from polystore_neo4j.config import Neo4jConfig
from polystore_neo4j.connection import Server
from polystore_neo4j.cypherfile import block
from polystore_neo4j.graph import Neo4jGraph
from polystore_neo4j.names import Names, quoted
from polystore_neo4j.schema import states, store_indexes
from polystore_neo4j.shapes import Shapes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.addresses import TlsAddress
    from polystore.types.call import Isolation
    from polystore.types.reports import Finding, PoolUse

_OLDEST: Final = (5, 13)
"""Constraints on relationships, and COUNT and EXISTS as expressions."""
_SKIM: Final = 1000
"""Nodes that are read at most of one workspace to learn that it is there."""


class Neo4jBackend(Backend[Neo4jConfig]):
    """Graph stores in one database of Neo4j."""

    def __init__(self, name: str, config: Neo4jConfig) -> None:
        super().__init__(name, config)
        self._names = Names(config.namespace)
        self._server: Server | None = None

    @override
    async def open(self) -> None:
        self._server = Server(self.name, self.config)
        await self._server.open()
        if self._server.facts.number < _OLDEST:
            raise UnsupportedError(
                f"the server is Neo4j {self._server.facts.version}",
                backend=self.name,
                hint="polystore needs Neo4j 5.13 or later",
            )

    @override
    async def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    @override
    async def ping(self) -> None:
        await self._open_server.read("RETURN 1", {})

    @property
    @override
    def raw(self) -> Any:
        """The driver: a `neo4j.AsyncDriver`."""
        return self._open_server.driver

    @property
    @override
    def removes(self) -> bool:
        return True

    @property
    @override
    def schema_auto(self) -> bool:
        return False

    @override
    def pool_use(self) -> PoolUse | None:
        return None if self._server is None else self._server.pool_use()

    @override
    def capabilities(self, kind: Kind) -> Capabilities | None:
        return live_capabilities(kind, connections=self.config.pool.max)

    @override
    async def bind(self, stored: StoredSpec) -> Driver:
        capabilities = self.capabilities(stored.spec.kind)
        if capabilities is None or not isinstance(stored.spec, GraphSpec):
            raise UnsupportedError(
                f"Neo4j serves no {stored.spec.kind} stores",
                backend=self.name,
                store=stored.spec.name,
                hint="Give this store another `backend:`",
            )
        label = self._names.store(stored)
        return Neo4jGraph(self._open_server, label, capabilities, stored.spec)

    @override
    async def layout_changes(self) -> Sequence[Change]:
        return [
            Change(self.name, None, "migrate_layout", f"layout of the database: step {step}")
            for step in await self._catalogue.pending()
        ]

    @override
    async def apply_layout(self) -> None:
        if await self._catalogue.pending():
            async with self.schema_lock():
                await self._catalogue.lay_out()

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        return await self._catalogue.read()

    @override
    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
        indexes = store_indexes(self._names.store(stored), stored.spec)
        if change.action == "drop_store":
            label = quoted(self._names.store(stored))
            found = await states(self._open_server, indexes)
            drops = (one.index.dropping for one in found if one.state != "missing")
            return (f"MATCH (n:{label}) DETACH DELETE n", *drops)
        if change.action not in {"create_store", "add_index"}:
            return ()
        found = await states(self._open_server, indexes)
        return tuple(one.index.statement for one in found if one.state != "online")

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "refused":
            raise PolystoreError(change.summary, store=stored.spec.name, hint=change.reason)
        if change.action == "drop_store":
            await self._drop(stored)
            return
        await self._catalogue.make_store(stored)
        await self._catalogue.write(stored)
        for shapes in self._shapes([stored]):
            await shapes.catch_up(self)

    async def _drop(self, stored: StoredSpec) -> None:
        """Delete every node and edge of a store, its indexes, and what says that it is there."""
        driver = await self.bind(stored)
        for workspace in await self._workspaces_of(quoted(self._names.store(stored))):
            await driver.clear(Call(workspace))
        await self._catalogue.remove_store(stored)

    @override
    async def repairs(self, stored: Sequence[StoredSpec]) -> Sequence[Change]:
        changes: list[Change] = []
        for store in stored:
            found = await states(
                self._open_server, store_indexes(self._names.store(store), store.spec)
            )
            changes += [
                Change(
                    self.name,
                    store.spec.name,
                    "repair_index",
                    f"index {one.index.name} is {one.state}",
                    (one.index.statement,),
                )
                for one in found
                if one.state in {"missing", "failed"}
            ]
            changes += [
                Change(self.name, store.spec.name, "repair_index", "nodes lack declared fields")
                for shapes in self._shapes([store])
                if await shapes.are_behind()
            ]
        return changes

    @override
    async def repair(self, stored: Sequence[StoredSpec]) -> None:
        for store in stored:
            await self._catalogue.make_store(store)
        for shapes in self._shapes(stored):
            await shapes.catch_up(self)

    @override
    async def workspaces(self) -> list[str]:
        found: set[str] = set()
        for stored in (await self._catalogue.read()).values():
            found.update(await self._workspaces_of(quoted(self._names.store(stored))))
        return sorted(found)

    async def _workspaces_of(self, label: str) -> list[str]:
        """Return the workspaces of a store, passing over most nodes of those that have many."""
        statement = block("graph.cypher", "workspaces", label=label)
        found: list[str] = []
        while True:
            asked = {"after": found[-1] if found else "", "limit": _SKIM}
            rows = await self._open_server.read(statement, asked)
            if not rows:
                return found
            found += [row[0] for row in rows]

    def _shapes(self, stored: Sequence[StoredSpec]) -> list[Shapes]:
        return [
            Shapes(self._open_server, self._names.store(one), one.spec)
            for one in stored
            if isinstance(one.spec, GraphSpec)
        ]

    @override
    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        async with self._schema_lock, self._catalogue.lock():
            yield

    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        if isolation != "read committed":
            raise UnsupportedError(
                f"Neo4j has no transactions of isolation {isolation!r}",
                backend=self.name,
                hint='Use "read committed", or put these stores on a backend that has them',
            )
        async with self._open_server.transaction() as transaction:
            yield transaction

    @override
    async def server_time(self) -> datetime:
        statement = "RETURN datetime.realtime('UTC').epochMillis"
        [(millis,)] = await self._open_server.read(statement, {})
        return datetime.fromtimestamp(millis / 1000, UTC)

    @override
    def tls_addresses(self) -> Sequence[TlsAddress]:
        return self.config.tls_addresses()

    @override
    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:
        return await findings.find(self._open_server, self._names, stored)

    @property
    def _open_server(self) -> Server:
        if self._server is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._server

    @property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self._open_server, self._names)
