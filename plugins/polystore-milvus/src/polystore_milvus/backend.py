"""The Milvus backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, PolystoreError, UnsupportedError
from polystore.specs import VectorSpec
from polystore.types.call import Call
from polystore.types.reports import Change
from polystore_milvus import changes, collections, findings
from polystore_milvus.capabilities import live_capabilities
from polystore_milvus.catalogue import Catalogue
from polystore_milvus.config import MilvusConfig
from polystore_milvus.connection import Server
from polystore_milvus.embedded import EmbeddedServer
from polystore_milvus.names import Names
from polystore_milvus.options import options_of
from polystore_milvus.reads import Rows
from polystore_milvus.times import time_of_stamp
from polystore_milvus.vector import MilvusVector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.specs import StoreSpec
    from polystore.stores.driver import Driver
    from polystore.types.addresses import TlsAddress
    from polystore.types.reports import Finding, PoolUse

OLDEST = (2, 3)


class MilvusBackend(Backend[MilvusConfig]):
    """Vector stores in Milvus or Milvus Lite."""

    def __init__(self, name: str, config: MilvusConfig) -> None:
        super().__init__(name, config)
        self._names = Names(config.namespace)
        self._embedded = EmbeddedServer.of(name, config)
        self._server: Server | None = None
        self._known: Catalogue | None = None

    @override
    async def open(self) -> None:
        socket = None if self._embedded is None else await self._embedded.start()
        self._server = Server(self.name, self.config, socket)
        await self._server.open()
        self._known = Catalogue(self._server, self._names)
        facts = self._server.facts
        if not facts.lite and not facts.is_from(OLDEST):
            raise UnsupportedError(
                f"the server is Milvus {facts.version}",
                backend=self.name,
                hint="polystore needs Milvus 2.3 or later",
            )

    @override
    async def close(self) -> None:
        server, self._server, self._known = self._server, None, None
        try:
            if server is not None:
                await server.close()
        finally:
            if self._embedded is not None:
                await self._embedded.stop()

    @override
    async def ping(self) -> None:
        await self._open_server.has_collection(self._names.catalogue)

    @property
    @override
    def raw(self) -> Any:
        """A `pymilvus.AsyncMilvusClient`."""
        return self._open_server.raw

    @property
    @override
    def schema_auto(self) -> bool:
        return self._embedded is not None

    @property
    @override
    def removes(self) -> bool:
        return True

    @property
    @override
    def renames(self) -> bool:
        return True

    @override
    def pool_use(self) -> PoolUse | None:
        return None if self._server is None else self._server.pool_use()

    @override
    def capabilities(self, kind: Kind) -> Capabilities | None:
        return live_capabilities(kind, in_flight=self.config.pool.max)

    @override
    async def bind(self, stored: StoredSpec) -> Driver:
        capabilities, spec = self.capabilities(stored.spec.kind), stored.spec
        if capabilities is None or not isinstance(spec, VectorSpec):
            raise UnsupportedError(
                f"Milvus serves no {stored.spec.kind} stores",
                backend=self.name,
                store=stored.spec.name,
                hint="Give this store another `backend:`",
            )
        server, name = self._open_server, self._names.store(stored)
        declared = await collections.check_store(server, name, spec)
        await collections.check_index(server, name, spec)
        await self._load(name, spec)
        return MilvusVector(server, self._catalogue, name, spec, declared, capabilities)

    @override
    async def layout_changes(self) -> Sequence[Change]:
        return [
            Change(self.name, None, "migrate_layout", f"layout of collections: step {step}")
            for step in await self._catalogue.pending()
        ]

    @override
    async def apply_layout(self) -> None:
        if await self._catalogue.pending():
            await self._catalogue.lay_out()

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        return await self._catalogue.read()

    @override
    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
        return tuple(changes.statements(self._names, stored, change))

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "refused":
            raise PolystoreError(change.summary, store=stored.spec.name, hint=change.reason)
        await changes.apply(self._open_server, self._names, self._catalogue, stored, change)

    @override
    async def repairs(self, stored: Sequence[StoredSpec]) -> Sequence[Change]:
        return [
            Change(self.name, store.spec.name, "repair_index", summary)
            for store in stored
            for summary in await self._damage(self._names.store(store))
        ]

    async def _damage(self, name: str) -> list[str]:
        if not await self._open_server.has_collection(name):
            return [f"the collection {name} is gone: a new one, empty, is made"]
        found = await collections.indexes(self._open_server, name)
        return [
            f"the index on {field} of {name} is missing"
            for field in await collections.to_be_indexed(self._open_server, name)
            if field not in found
        ]

    @override
    async def repair(self, stored: Sequence[StoredSpec]) -> None:
        for store in stored:
            if isinstance(store.spec, VectorSpec):
                name = self._names.store(store)
                await collections.make_store(self._open_server, name, store.spec)

    @override
    async def workspaces(self) -> list[str]:
        found: set[str] = set()
        for name, stored in (await self._catalogue.read()).items():
            noted = await self._catalogue.noted_workspaces(name)
            for one in stored.with_records():
                collection = self._names.store(one)
                await self._load(collection, one.spec)  # nobody may have opened this store yet
                rows = Rows(self._open_server, collection, 1)
                for workspace in noted:
                    if workspace not in found and await rows.count(Call(workspace)):
                        found.add(workspace)
        return sorted(found)

    @override
    async def server_time(self) -> datetime | None:
        server = self._open_server
        if server.facts.lite:  # it has this machine's clock, and gives out no timestamps
            return None
        return time_of_stamp(await server.stamp(self.config.timeout))

    @override
    def tls_addresses(self) -> Sequence[TlsAddress]:
        return self.config.tls_addresses()

    @override
    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:
        known = (await self._catalogue.read()).values()
        return await findings.find(self._open_server, self._names, stored, known)

    async def _load(self, collection: str, spec: StoreSpec) -> None:
        replicas = options_of(spec).replicas if isinstance(spec, VectorSpec) else 1
        await collections.is_loaded(self._open_server, collection, replicas=replicas)

    @property
    def _open_server(self) -> Server:
        if self._server is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._server

    @property
    def _catalogue(self) -> Catalogue:
        if self._known is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._known
