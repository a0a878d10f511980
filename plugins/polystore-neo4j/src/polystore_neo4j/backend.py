"""The Neo4j backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, PolystoreError, UnsupportedError
from polystore.specs import GraphSpec
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

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.call import Isolation
    from polystore.types.reports import Finding, PoolUse

_OLDEST: Final = (5, 13)
"""Constraints on relationships, and COUNT and EXISTS as expressions."""


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
        return Neo4jGraph(self._open_server, label, capabilities, directed=stored.spec.directed)

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
        if change.action != "create_store":
            return ()
        return tuple(index.statement for index in store_indexes(self._names.store(stored)))

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "refused":
            raise PolystoreError(change.summary, store=stored.spec.name, hint=change.reason)
        await self._catalogue.make_store(stored)
        await self._catalogue.write(stored)

    @override
    async def repairs(self, stored: Sequence[StoredSpec]) -> Sequence[Change]:
        changes: list[Change] = []
        for store in stored:
            found = await states(self._open_server, store_indexes(self._names.store(store)))
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
        return changes

    @override
    async def repair(self, stored: Sequence[StoredSpec]) -> None:
        for store in stored:
            await self._catalogue.make_store(store)

    @override
    async def workspaces(self) -> list[str]:
        found: set[str] = set()
        for stored in (await self._catalogue.read()).values():
            label = quoted(self._names.store(stored))
            rows = await self._open_server.read(
                block("graph.cypher", "workspaces", label=label), {}
            )
            found.update(row[0] for row in rows)
        return sorted(found)

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
