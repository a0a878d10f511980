"""Broken backends as a whole, and a core that would let their mistakes through."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from broken.fault import broken, broken_by
from broken.kv_faults import rows_of
from polystore.capabilities import Capabilities, Feature
from polystore.errors import UnsupportedError
from polystore.specs import VectorSpec
from polystore.stores.columns import split
from polystore.types import json_domain
from polystore_memory.backend import MemoryBackend
from polystore_memory.kv import MemoryKV
from polystore_memory.plugin import CAPABILITIES
from polystore_memory.space import Space

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

    import pytest

    from polystore.capabilities import Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call, Isolation
    from polystore.types.records import KVEntry, Page
    from polystore_memory.config import MemoryConfig
    from polystore_memory.tables import Tables

CONNECTIONS = 8


@broken("backend/units/test_rollback")
class ForgetsRollback(MemoryBackend):
    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        failure: BaseException | None = None
        async with super().transaction(isolation) as session:
            try:
                yield session
            except BaseException as error:
                failure = error
        if failure is not None:
            raise failure


@broken("backend/units/test_isolation")
class WritesAtOnce(MemoryBackend):
    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        yield None


@broken("backend/cut_off/test_failed_units_leak_nothing")
class LeaksConnections(MemoryBackend):
    def __init__(self, name: str, config: MemoryConfig) -> None:
        super().__init__(name, config)
        self.connections = asyncio.Semaphore(CONNECTIONS)

    @override
    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:
        await self.connections.acquire()
        async with super().transaction(isolation) as session:
            yield session
        self.connections.release()


@broken("backend/clients/test_two_clients")
class ClientsApart(MemoryBackend):
    @override
    async def open(self) -> None:
        self._space = Space()


@broken("backend/catalogue/test_a_store_keeps_its_kind")
class NoCatalogue(MemoryBackend):
    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        return {}


@broken("backend/catalogue/test_a_vector_store_is_what_it_was")
class ForgetsTheModel(MemoryBackend):
    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        return {
            name: _without_model(stored) for name, stored in (await super().catalogue()).items()
        }


def _without_model(stored: StoredSpec) -> StoredSpec:
    if not isinstance(stored.spec, VectorSpec):
        return stored
    return replace(stored, spec=stored.spec.model_copy(update={"embedding_model": None}))


@broken("backend/declared/test_live_capabilities_are_within_bounds")
class ExceedsAtMost(MemoryBackend):
    @override
    def capabilities(self, kind: Kind) -> Capabilities | None:
        told = super().capabilities(kind)
        return told and replace(told, features=told.features | {Feature.DURABLE})


@broken("backend/workspaces/test_names_that_must_not_meet")
class FoldsWorkspaceNames(MemoryBackend):
    @override
    async def workspaces(self) -> list[str]:
        return sorted({name.casefold() for name in await super().workspaces()})


@broken("backend/trouble/test_cancellation")
class StoresRowByRow(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        for row in rows_of(batch):
            await super().put_many(call, row)
            await asyncio.sleep(0)


@broken("backend/cut_off/test_reads")
class AbsentOnTrouble(MemoryKV):
    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        try:
            await asyncio.sleep(0.002)
        except asyncio.CancelledError:
            return [None for _ in keys]
        return await super().get_many(call, keys)


@broken_by("backend/units/test_reads_its_own_writes")
def units_do_not_see_their_writes(patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def reading(space: Space, _session: object) -> Generator[Tables]:
        yield space.committed

    patch.setattr(Space, "reading", reading)


@broken_by("backend/lifecycle/test_open_again_keeps_what_is_durable")
def forgets_what_is_durable(patch: pytest.MonkeyPatch) -> None:
    for kind, told in CAPABILITIES.items():
        durable = replace(told, features=told.features | {Feature.DURABLE})
        patch.setitem(CAPABILITIES, kind, durable)

    def new_space(_name: str) -> Space:
        return Space()

    patch.setattr("polystore_memory.backend.shared_space", new_space)


@broken_by("kv/refusals/test_values_outside_the_domain")
def nan_accepted(patch: pytest.MonkeyPatch) -> None:
    original = vars(json_domain)["_walk_number"]

    def walk(value: float, trail: list[int | str], what: str) -> Any:
        return None if value != value else original(value, trail, what)  # noqa: PLR0124 - NaN

    patch.setattr(json_domain, "_walk_number", walk)


@broken_by("kv/batches/test_batch_larger_than_one_call")
def loses_the_last_chunk(patch: pytest.MonkeyPatch) -> None:
    def lossy(sizes: Sequence[int], *, rows: int, size: int) -> list[range]:
        parts = split(sizes, rows=rows, size=size)
        return parts[:-1] if len(parts) > 1 else parts

    patch.setattr("polystore.stores.handle.split", lossy)


def _undeclare_ttl(patch: pytest.MonkeyPatch) -> None:
    told = CAPABILITIES["kv"]
    patch.setitem(CAPABILITIES, "kv", replace(told, features=told.features - {Feature.TTL}))

    def require(*_args: object, **_named: object) -> None:
        return

    patch.setattr(Capabilities, "require", require)


@broken_by("kv/expiry/test_put_replaces_the_expiry")
def undeclared_ttl_works(patch: pytest.MonkeyPatch) -> None:
    _undeclare_ttl(patch)


@broken_by("kv/expiry/test_live_until_it_expires")
def undeclared_ttl_changes_data(patch: pytest.MonkeyPatch) -> None:
    class StoresThenRefuses(MemoryKV):
        @override
        async def put_many(self, call: Call, batch: KVBatch) -> None:
            await super().put_many(call, batch)
            if batch.ttls is not None:
                raise UnsupportedError("no ttl here")

    _undeclare_ttl(patch)
    patch.setattr("polystore_memory.backend.MemoryKV", StoresThenRefuses)


@broken_by("backend/cut_off/test_cancelled_large_batches")
def commits_what_was_cancelled(patch: pytest.MonkeyPatch) -> None:
    class TakesTime(MemoryKV):
        @override
        async def put_many(self, call: Call, batch: KVBatch) -> None:
            await asyncio.sleep(0)
            await super().put_many(call, batch)

    patch.setattr("polystore_memory.backend.MemoryBackend", ForgetsRollback)
    patch.setattr("polystore_memory.backend.MemoryKV", TakesTime)


@broken_by("backend/cut_off/test_late_writes")
def late_writes_are_half_done(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("polystore_memory.backend.MemoryKV", StoresRowByRow)


@broken("backend/tenants/test_names_made_of_another_name")
class FoldsTenants(MemoryKV):
    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        folded = replace(call, workspace=call.workspace.lower())
        return await super().scan_page(folded, prefix, cursor, limit)


@broken("backend/quotas/test_rows_are_refused_before_the_write")
class CountsNothing(MemoryKV):
    @override
    async def count(self, call: Call) -> int:
        return 0


@broken("backend/generations/test_filled_switched_and_dropped")
class ForgetsGenerations(MemoryBackend):
    @override
    async def catalogue(self) -> dict[str, StoredSpec]:
        found = await super().catalogue()
        return {name: stored.alone() for name, stored in found.items()}


@broken("backend/removals/test_what_is_no_longer_declared_is_kept")
class DropsTheNameOnly(MemoryBackend):
    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "drop_store":
            del self.raw.catalogue[stored.spec.name]
        else:
            await super().apply_change(stored, change)


@broken("backend/removals/test_a_store_gets_another_name")
class RenamesTheNameOnly(MemoryBackend):
    @override
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        if change.action == "rename_store":
            self.raw.catalogue[stored.spec.name] = stored
        else:
            await super().apply_change(stored, change)
