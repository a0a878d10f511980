"""From a configuration to bound stores on open backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.backends import Backends, OpenBackend
from polystore.declaring import named_info
from polystore.errors import Closed, ConfigError, PolystoreError, StoreNotFound, UnsupportedError
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, GraphSpec, KVSpec, StoreSpec
from polystore.stores.bound import BoundStore
from polystore.stores.optional import OptionalStore
from polystore.types.names import check_store_name
from polystore.types.reports import BackendUse, Degradation, Usage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from polystore.capabilities import Capabilities, Kind
    from polystore.config import PolystoreConfig
    from polystore.plugins.registry import Registry
    from polystore.stores.driver import Driver

__all__ = ["OpenBackend", "Runtime", "check_requirements", "live_capabilities"]
_INFERABLE: dict[Kind, type[KVSpec | DocSpec | GraphSpec]] = {
    "kv": KVSpec,
    "doc": DocSpec,
    "graph": GraphSpec,
}


class Runtime(Backends):
    """Open backends and the stores on them. Made by `Runtime.open`, in the loop that uses it."""

    def __init__(
        self,
        config: PolystoreConfig,
        registry: Registry,
        specs: Sequence[StoreSpec],
        *,
        schema: str | None = None,
    ) -> None:
        super().__init__(config, registry, specs, schema=schema)
        self._bound: dict[str, BoundStore[Any]] = {}
        self._ensure: Callable[[Runtime, StoreSpec], Awaitable[StoredSpec]] | None = None

    def usage(self) -> Usage:
        """Return what is going on at each backend, and what optional stores did without theirs."""
        backends: list[BackendUse] = []
        for name, gate in self.gates().items():
            opened = self.backends.get(name)
            pool = None if opened is None else opened.backend.pool_use()
            backends.append(BackendUse(name, *gate.use(), pool, open=opened is not None))
        return Usage(backends, [self._degradation(name) for name in sorted(self._optional())])

    def _optional(self, backend: str | None = None) -> list[str]:
        """Return the names of the declared stores that are optional: all, or of one backend."""
        return [
            name
            for name, declared in self.declared.items()
            if declared.spec.optional and backend in (None, self.config.backend_of(declared.spec))
        ]

    def _degradation(self, name: str) -> Degradation:
        backend = self.config.backend_of(self.declared[name].spec)
        store, aside = self._bound.get(name), self.aside.get(backend)
        since = None if aside is None else aside.since
        reason = "" if aside is None else self.failures[backend].message
        if not isinstance(store, OptionalStore):  # not used so far
            return Degradation(name, backend, 0, 0, since, reason)
        reach = store.reach
        return Degradation(
            name,
            backend,
            reach.missed,
            reach.dropped,
            reach.since or since,
            reach.reason or reason,
        )

    def lost(self, backend: str, error: PolystoreError) -> None:
        """Note that a backend did not answer, for the optional stores on it."""
        for name in self._optional(backend):
            store = self.bound(self.declared[name].spec.kind, name)
            if isinstance(store, OptionalStore):
                store.reach.lost(error)

    def on_inferred(self, ensure: Callable[[Runtime, StoreSpec], Awaitable[StoredSpec]]) -> None:
        """Say how a store that nobody declared comes into being at its first use."""
        self._ensure = ensure

    def bound(self, kind: Kind, name: str) -> BoundStore[Any]:
        """Return the store `name` of `kind`, declared or (where that is allowed) inferred.

        Raises:
            StoreNotFound: It is not declared, and undeclared stores are refused, or it is declared
                as another kind.
            ConfigError: It is not declared, and no store can have that name.
        """
        store = self._bound.get(name)
        if store is None or not (store.spec.kind == kind or store.is_made or self._declares(name)):
            store = self._bind(kind, name)
            self._bound[name] = store
        if store.spec.kind != kind:
            raise StoreNotFound(
                f"{name!r} is a {store.spec.kind} store, not a {kind} store",
                store=name,
                hint=f"Use .{store.spec.kind}({name!r})",
            )
        return store

    def _bind(self, kind: Kind, name: str) -> BoundStore[Any]:
        declared = self.declared.get(name)
        spec = self._infer(kind, name) if declared is None else declared.spec
        backend = self.config.backend_of(spec)
        aside = self.aside.get(backend)
        gate = self.named(backend).gate if aside is None else aside.gate

        async def prepare() -> Driver:
            opened = await self.reach(backend)
            stored = await self._make(spec)
            if declared is None:
                # Somebody else may have declared it, with fields to index or a time to live.
                store.spec = stored.spec
            return await opened.backend.bind(
                StoredSpec(store.spec, stored.generation, stored.origin)
            )

        def transaction() -> AbstractAsyncContextManager[object]:
            return self.named(backend).backend.transaction()

        def capabilities() -> Capabilities:
            opened = self.backends.get(backend)
            live = None if opened is None else opened.backend.capabilities(spec.kind)
            if live is not None:
                return live
            info = named_info(self.config, backend, self.registry)
            return info.at_most[spec.kind]

        store: BoundStore[Any]
        if spec.optional:
            store = OptionalStore(
                spec, gate, prepare=prepare, transaction=transaction, capabilities=capabilities
            )
        else:
            store = BoundStore(spec, gate, prepare=prepare, transaction=transaction)
        return store

    def _declares(self, name: str) -> bool:
        return name in self.declared

    def stored(self, opened: OpenBackend, stored: StoredSpec) -> BoundStore[Any]:
        """Return a store that a backend's catalogue has, declared or not."""

        async def prepare() -> Driver:
            return await opened.backend.bind(stored)

        return BoundStore(
            stored.spec, opened.gate, prepare=prepare, transaction=opened.backend.transaction
        )

    async def _make(self, spec: StoreSpec) -> StoredSpec:
        if self._ensure is None:
            raise Closed("the client is not open", store=spec.name)
        return await self._ensure(self, spec)

    def _infer(self, kind: Kind, name: str) -> StoreSpec:
        if self.config.is_strict or kind == "vector":
            raise self._not_declared(kind, name)
        return _INFERABLE[kind](name=check_store_name(name))

    def _not_declared(self, kind: Kind, name: str) -> StoreNotFound:
        import difflib

        names = [other for other, d in self.declared.items() if d.spec.kind == kind]
        near = difflib.get_close_matches(name, names, n=1)
        guess = f"Did you mean {near[0]!r}? " if near else ""
        reason = ": its dimensions are unknown" if kind == "vector" else ""
        return StoreNotFound(
            f"no {kind} store {name!r} is declared{reason}",
            hint=f"{guess}Add it under `stores:`, or give open(stores=[...]) its spec. "
            f"Declared {kind} stores: {', '.join(sorted(names)) or 'none'}",
        )


def check_requirements(runtime: Runtime, late: OpenBackend | None = None) -> None:
    """Raise UnsupportedError where a store's server lacks what it needs or `require:` names.

    Args:
        runtime: The open runtime; what is out of reach is left out.
        late: Look at the stores on this backend only, which was out of reach before.
    """
    for key, named in runtime.config.named_stores.items():
        if unknown := named - runtime.declared.keys():
            raise ConfigError(f"{key} names the store {min(unknown)!r}, which is not declared")
    for name, declared in runtime.declared.items():
        place = runtime.config.backend_of(declared.spec)
        if runtime.is_aside(place) if late is None else place != late.name:
            continue
        opened = late or runtime.named(place)
        live = live_capabilities(opened, declared.spec)
        for feature in runtime.config.require.get(name, ()):
            live.require(feature, backend=opened.name, store=name, operation="`require:`")


def live_capabilities(opened: OpenBackend, spec: StoreSpec) -> Capabilities:
    """Return what the server can do for a store.

    Raises:
        UnsupportedError: It does not serve stores of that kind, or not as declared.
    """
    live = opened.backend.capabilities(spec.kind) if spec.kind in opened.info.at_most else None
    if live is None:
        raise UnsupportedError(
            f"this backend serves no {spec.kind} stores",
            backend=opened.name,
            store=spec.name,
            hint="Name another backend for it, or see what `polystore doctor` says",
        )
    for feature in spec.features_needed():
        operation = f"this {spec.kind} store"
        live.require(feature, backend=opened.name, store=spec.name, operation=operation)
    return live
