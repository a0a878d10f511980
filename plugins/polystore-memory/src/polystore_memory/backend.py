"""The memory backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.backend import Backend
from polystore.errors import Closed
from polystore.specs import GraphSpec, KVSpec, VectorSpec
from polystore_memory.config import MemoryConfig
from polystore_memory.doc import MemoryDoc
from polystore_memory.graph import MemoryGraph
from polystore_memory.kv import MemoryKV
from polystore_memory.plugin import CAPABILITIES
from polystore_memory.space import Space, shared_space
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.stores.driver import Driver
    from polystore.types.call import Isolation


class MemoryBackend(Backend[MemoryConfig]):
    """All four kinds in the process's memory, private to the client or in a named space."""

    def __init__(self, name: str, config: MemoryConfig) -> None:
        super().__init__(name, config)
        self._space: Space | None = None

    @override
    async def open(self) -> None:
        shared = self.config.shared
        self._space = Space() if shared is None else shared_space(shared)

    @override
    async def close(self) -> None:
        self._space = None

    @override
    async def ping(self) -> None:
        self._opened()

    @property
    @override
    def raw(self) -> Space:
        return self._opened()

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
        space, spec = self._opened(), stored.spec
        if isinstance(spec, KVSpec):
            return MemoryKV(space, stored)
        if isinstance(spec, VectorSpec):
            return MemoryVector(space, stored, spec)
        if isinstance(spec, GraphSpec):
            return MemoryGraph(space, stored, spec)
        return MemoryDoc(space, stored)

    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        return dict(self._opened().catalogue)

    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        # Nothing has to be built for a field or an index: every row is compared anyway; and
        # nothing for a generation, whose tables come into being with their first row.
        space, name = self._opened(), stored.spec.name
        if change.action == "create_store":
            space.make(name, stored.generation)
        elif change.action == "start_generation":
            space.make(name, int(change.subject[0]))
        elif change.action == "drop_generation":
            space.forget(name, int(change.subject[0]))
        elif change.action == "drop_store":
            for one in stored.every_generation():
                space.forget(name, one.generation)
            space.catalogue.pop(name, None)
            return
        elif change.action == "rename_store":
            for one in stored.every_generation():
                space.rename(change.subject[0], name, one.generation)
            space.catalogue.pop(change.subject[0], None)
        space.catalogue[name] = stored

    @override
    async def workspaces(self) -> list[str]:
        return self._opened().workspaces()

    @override
    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        async with self._opened().schema_turn.take():
            yield

    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        # One at a time is serializable, whatever was asked for.
        async with self._opened().transaction() as session:
            yield session

    def _opened(self) -> Space:
        if self._space is None:
            raise Closed("the backend is not open", backend=self.name)
        return self._space
