"""Workspaces over all stores of all backends: list, size, drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from polystore.capabilities import Feature
from polystore.errors import StoreNotFound
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.stores.optional import OUT_OF_REACH
from polystore.stores.vector import VectorStore
from polystore.types.call import Call
from polystore.types.reports import StoreSize

if TYPE_CHECKING:
    from polystore.capabilities import Kind
    from polystore.runtime import Runtime

AnyStore: TypeAlias = KVStore | VectorStore | GraphStore | DocStore
_HANDLES: dict[Kind, type[AnyStore]] = {
    "kv": KVStore,
    "vector": VectorStore,
    "graph": GraphStore,
    "doc": DocStore,
}


async def workspaces(runtime: Runtime, *, available: bool) -> list[str]:
    """Return the workspaces that have data on any backend; see `Polystore.workspaces`."""
    found: set[str] = set()
    for name in runtime.names():
        try:
            found.update(await (await runtime.reach(name)).backend.workspaces())
        except OUT_OF_REACH as error:
            if not (available and runtime.is_optional(name)):
                raise
            runtime.lost(name, error)
    return sorted(found)


async def sizes(runtime: Runtime, workspace: str, *, available: bool) -> list[StoreSize]:
    """Return how much each store holds of a workspace; see `Stores.sizes`."""
    found: list[StoreSize] = []
    for name in runtime.names():
        try:
            found += [await _size(handle) for handle in await handles(runtime, workspace, name)]
        except OUT_OF_REACH as error:
            if not (available and runtime.is_optional(name)):
                raise
            runtime.lost(name, error)
    return sorted(found, key=lambda size: size.store)


async def drop(runtime: Runtime, workspace: str) -> int:
    """Delete everything of a workspace; return how many rows there were."""
    # Asked before anything is deleted: it is not dropped in part because a server is away.
    # Generations that do not serve hold its data, too.
    stores = [
        await handles(runtime, workspace, name, every_generation=True) for name in runtime.names()
    ]
    return sum([await handle.clear() for several in stores for handle in several])


async def handles(
    runtime: Runtime, workspace: str, backend: str, *, every_generation: bool = False
) -> list[AnyStore]:
    """Return handles on every store that a backend has, none of them taken as optional.

    Args:
        runtime: The open runtime.
        workspace: The workspace.
        backend: Its name.
        every_generation: Also on the generations that do not serve.
    """
    opened = await runtime.reach(backend)
    return [
        _HANDLES[one.spec.kind](runtime.stored(opened, one), Call(workspace))
        for stored in (await opened.backend.catalogue()).values()
        for one in (stored.every_generation() if every_generation else [stored])
    ]


async def strict_handle(runtime: Runtime, workspace: str, kind: Kind, name: str) -> AnyStore:
    """Return a handle on a store, not taken as optional: what it is given has to be kept.

    Raises:
        StoreNotFound: It is not declared, where only declared stores are allowed; or it is not
            there yet.
    """
    bound = runtime.bound(kind, name)
    if bound.spec.optional:
        opened = await runtime.reach(bound.backend)
        stored = (await opened.backend.catalogue()).get(name)
        if stored is None:
            raise StoreNotFound(
                f"the store {name!r} is not there yet", store=name, hint="Run `polystore apply`"
            )
        bound = runtime.stored(opened, stored)
    return _HANDLES[kind](bound, Call(workspace))


async def _size(handle: AnyStore) -> StoreSize:
    detail: dict[str, int] = {}
    if Feature.STRONG_READS in (await handle.capabilities()).features:
        # Who asks how much there is wants it of all clients, not of this one.
        handle = handle.with_options(consistency="strong")
    if isinstance(handle, GraphStore):
        counts = await handle.count()
        detail = {"nodes": counts.nodes, "edges": counts.edges}
        rows = sum(counts)
    else:
        rows = await handle.count()
    size = await handle.size_bytes()
    return StoreSize(handle.name, handle.spec.kind, handle.backend, rows, size, detail)
