"""The Redis backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed, PolystoreError, UnsupportedError
from polystore.specs import DocSpec, KVSpec
from polystore.types.call import Call
from polystore.types.reports import Change
from polystore_redis import findings
from polystore_redis.capabilities import live_capabilities
from polystore_redis.catalogue import Catalogue, Placed
from polystore_redis.config import RedisConfig
from polystore_redis.connection import Server
from polystore_redis.doc import RedisDoc
from polystore_redis.doc_build import build_index
from polystore_redis.embedded import EmbeddedServer
from polystore_redis.facts import OLDEST
from polystore_redis.keys import Names, StoreKeys
from polystore_redis.kv import RedisKV
from polystore_redis.options import partitions_of
from polystore_redis.tenants import Tenants

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.addresses import TlsAddress
    from polystore.types.reports import Finding, PoolUse


class RedisBackend(Backend[RedisConfig]):
    """Key-value and document stores in Redis or Valkey."""

    def __init__(self, name: str, config: RedisConfig) -> None:
        super().__init__(name, config)
        self._names = Names(config.namespace)
        self._embedded = EmbeddedServer.of(name, config)
        self._server: Server | None = None
        self._placed: dict[str, Placed] = {}

    @override
    async def open(self) -> None:
        socket = None if self._embedded is None else await self._embedded.start()
        self._server = Server(self.name, self.config, socket)
        await self._server.open()
        facts = self._server.facts
        if facts.compatible < OLDEST:
            raise UnsupportedError(
                f"the server is {facts.engine} {facts.version}",
                backend=self.name,
                hint="polystore needs Redis 7.0 or Valkey 7.2, or later",
            )

    @override
    async def close(self) -> None:
        server, self._server = self._server, None
        try:
            if server is not None:
                await server.close()
        finally:
            if self._embedded is not None:
                await self._embedded.stop()

    @override
    async def ping(self) -> None:
        await self._open_server.command("GET", self._names.lock)

    @property
    @override
    def raw(self) -> Any:
        """The driver's client: `redis.asyncio.Redis` or `RedisCluster`."""
        return self._open_server.client

    @property
    @override
    def removes(self) -> bool:
        return True

    @property
    @override
    def schema_auto(self) -> bool:
        return self._embedded is not None

    @override
    def capabilities(self, kind: Kind) -> Capabilities | None:
        facts = self._open_server.facts
        return live_capabilities(
            kind,
            durable=facts.durable,
            one_slot=kind == "doc" or not facts.cluster,
            connections=self.config.pool.max,
        )

    @override
    async def bind(self, stored: StoredSpec) -> Driver:
        placed = self._placed.get(stored.spec.name)
        if placed is None or placed.stored != stored:
            self._placed = await self._catalogue.read()
            placed = self._placed[stored.spec.name]
        server, spec = self._open_server, stored.spec
        keys = StoreKeys.of(self._names, stored, placed.partitions)
        capabilities = live_capabilities(
            spec.kind,
            durable=server.facts.durable,
            one_slot=placed.partitions == 1,
            connections=self.config.pool.max,
        )
        tenants = Tenants(server, self._names.workspaces(stored))
        if capabilities is not None and isinstance(spec, KVSpec):
            return RedisKV(server, keys, capabilities, tenants)
        if capabilities is not None and isinstance(spec, DocSpec):
            return RedisDoc(server, keys, capabilities, tenants, spec.orders())
        raise UnsupportedError(
            f"Redis serves no {spec.kind} stores",
            backend=self.name,
            store=spec.name,
            hint="Give this store another `backend:`",
        )

    @override
    async def layout_changes(self) -> Sequence[Change]:
        return [
            Change(self.name, None, "migrate_layout", f"layout of keys: step {step}")
            for step in await self._catalogue.pending()
        ]

    @override
    async def apply_layout(self) -> None:
        await self._catalogue.lay_out()

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        self._placed = await self._catalogue.read()
        return {name: placed.stored for name, placed in self._placed.items()}

    @override
    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:
        key, name = self._names.catalogue, stored.spec.name
        if change.action == "drop_store":
            keys = f"{self._names.namespace}:{{{name}.{stored.generation}:*}}:*"
            return (f"DEL {keys}", f"DEL {self._names.workspaces(stored)}", f"HDEL {key} {name}")
        record = f"HSET {key} {name} <spec>"
        if change.action != "add_index":
            return (record,)
        keys = StoreKeys.of(self._names, stored, 1)
        pattern = keys.partition("*", 0).prefix.decode().rsplit(":0}", 1)[0]
        return (record, f"ZADD {pattern}:*}}:n:<index> 0 <member> ... for every document", record)

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "refused":
            raise PolystoreError(change.summary, store=stored.spec.name, hint=change.reason)
        known = (await self._catalogue.read()).get(stored.spec.name)
        if change.action == "drop_store":
            await self._drop(stored)
            return
        if known is None:
            cluster = self._open_server.facts.cluster
            placed = Placed(stored, partitions_of(stored.spec, cluster=cluster))
        elif change.action == "add_index" and isinstance(stored.spec, DocSpec):
            placed = await self._add_index(known, stored, stored.spec)
        else:
            placed = Placed(stored, known.partitions)
        await self._catalogue.write(placed)
        self._placed[stored.spec.name] = placed

    async def _drop(self, stored: StoredSpec) -> None:
        """Delete every key of a store, and then what says that it is there."""
        if stored.spec.name not in await self.catalogue():
            return
        driver, placed = await self.bind(stored), self._placed.pop(stored.spec.name)
        keys = StoreKeys.of(self._names, stored, placed.partitions)
        server, known = self._open_server, self._names.workspaces(stored)
        for workspace in await Tenants(server, known).all():
            await driver.clear(Call(workspace))
            for part in keys.all_of(workspace):
                await server.many([("DEL", key) for key in (part.version, part.epoch)])
        await server.command("DEL", known)
        await self._catalogue.remove(stored.spec.name)

    async def _add_index(self, known: Placed, stored: StoredSpec, spec: DocSpec) -> Placed:
        """Build what is missing. Writers keep a new index from the moment they know of it."""
        keys = StoreKeys.of(self._names, stored, known.partitions)
        tenants = Tenants(self._open_server, self._names.workspaces(stored))
        await build_index(self._open_server, keys, await tenants.all(), spec, self)
        return Placed(stored, known.partitions)

    @override
    async def workspaces(self) -> list[str]:
        found: set[str] = set()
        for placed in (await self._catalogue.read()).values():
            keys = StoreKeys.of(self._names, placed.stored, placed.partitions)
            tenants = Tenants(self._open_server, self._names.workspaces(placed.stored))
            for workspace in await tenants.all():
                parts = keys.all_of(workspace)
                counts = await self._open_server.many([("ZCARD", part.ids) for part in parts])
                if any(counts):
                    found.add(workspace)
        return sorted(found)

    @override
    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        async with self._catalogue.lock():
            yield

    @override
    def pool_use(self) -> PoolUse | None:
        return None if self._server is None else self._server.pool_use()

    @override
    async def server_time(self) -> datetime:
        seconds, micros = await self._open_server.time()
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros))

    @override
    def tls_addresses(self) -> Sequence[TlsAddress]:
        return self.config.tls_addresses()

    @override
    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:
        return await findings.find(self._open_server)

    @property
    def _open_server(self) -> Server:
        if self._server is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._server

    @property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self._open_server, self._names)
