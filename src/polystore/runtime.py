"""From a configuration to open backends and bound stores; one pool per backend and event loop."""

from __future__ import annotations

import asyncio
import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from polystore.backend import Backend
from polystore.config import BackendConfig, PolystoreConfig, RawBackend, validate_backends
from polystore.config.origin import show_path
from polystore.config.redaction import redact
from polystore.errors import (
    Closed,
    ConfigError,
    PluginError,
    PolystoreError,
    StoreNotFound,
    UnsupportedError,
)
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, GraphSpec, KVSpec, StoreSpec
from polystore.stores.bound import BoundStore
from polystore.stores.gate import Gate
from polystore.types.names import check_store_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from polystore.backend import BackendInfo
    from polystore.capabilities import Capabilities, Kind
    from polystore.plugins.registry import Registry
    from polystore.specdiff import Origin
    from polystore.stores.driver import Driver

_log = logging.getLogger("polystore")
_INFERABLE: dict[Kind, type[KVSpec | DocSpec | GraphSpec]] = {
    "kv": KVSpec,
    "doc": DocSpec,
    "graph": GraphSpec,
}
_DEFAULT_BACKEND = "main"
_DEFAULT_IN_FLIGHT = 64

D = TypeVar("D", bound="Driver")


@dataclass(frozen=True, slots=True)
class OpenBackend:
    """A backend that is open, its plugin's word about it, and the gate before it."""

    backend: Backend[Any]
    info: BackendInfo
    gate: Gate
    schema_mode: str
    """`auto`, `check` or `off`: as the client says, as configured, or as the backend sees fit."""

    @property
    def name(self) -> str:
        """The key in `backends:`."""
        return self.backend.name


@dataclass(frozen=True, slots=True)
class Declared:
    """A store that the configuration, the code or a plugin's store set declares."""

    spec: StoreSpec
    origin: Origin


class Runtime:
    """Open backends and the stores on them. Made by `Runtime.open`, in the loop that uses it.

    Attributes:
        config: The configuration, with the default backend filled in where it had none.
        backends: The open ones, by name.
        declared: The declared stores, by name.
        failures: With `tolerant`, the backends that could not be opened, and why.
    """

    def __init__(
        self,
        config: PolystoreConfig,
        registry: Registry,
        specs: Sequence[StoreSpec],
        *,
        schema: str | None = None,
    ) -> None:
        self.config = with_default_backend(config, registry)
        self.registry = registry
        self.declared = declare(self.config, registry, specs)
        self.backends: dict[str, OpenBackend] = {}
        self.failures: dict[str, PolystoreError] = {}
        self._bound: dict[str, BoundStore[Any]] = {}
        self._schema = schema
        self._ensure: Callable[[Runtime, StoreSpec], Awaitable[StoredSpec]] | None = None

    async def open(self, *, tolerant: bool = False) -> None:
        """Connect to every backend; on any failure close those that did open.

        Args:
            tolerant: Keep what opened, and note the others in `failures`, for doctor.

        Raises:
            ConfigError: Blocks do not fit their plugins; all that is wrong is told together.
            PluginError: A block's `use:` names no plugin that works.
            ConnectionFailed: A server does not answer.
        """
        infos = {
            name: named_info(self.config, name, self.registry) for name in self.config.backends
        }
        models = {info.name: info.config for info in infos.values()}
        configs = validate_backends(self.config, models)
        for declared in self.declared.values():
            self.config.backend_of(declared.spec)
        try:
            results = await asyncio.gather(
                *(self._open(name, infos[name], config) for name, config in configs.items()),
                return_exceptions=True,
            )
        except BaseException:  # cancelled: some may have opened already
            await self.close()
            raise
        self.backends = {name: self.backends[name] for name in configs if name in self.backends}
        errors: list[BaseException] = []
        for name, result in zip(configs, results, strict=True):
            if result is None:
                continue
            if tolerant and isinstance(result, PolystoreError):
                self.failures[name] = result
            else:
                errors.append(result)
        if errors:
            await self.close()
            raise errors[0]

    async def _open(self, name: str, info: BackendInfo, config: BackendConfig) -> None:
        backend = load_backend_class(info)(name, config)
        # Importing a driver holds the event loop for seconds on a busy machine, which would count
        # against the deadlines of the others' connections: all import before any connects.
        await asyncio.sleep(0)
        try:
            await backend.open()
            limits = [live.limits.in_flight for live in self._live(backend, info).values()]
            in_flight = config.max_in_flight or min(limits, default=_DEFAULT_IN_FLIGHT)
            gate = Gate(name, timeout=config.timeout, retries=config.retries, in_flight=in_flight)
        except BaseException as error:
            await backend.close()
            if isinstance(error, PolystoreError):
                error.backend = error.backend or name
            raise
        by_itself = "auto" if backend.schema_auto else "check"
        mode = self._schema or config.schema_ or by_itself
        # Noted at once, so that it is closed even if opening the others is given up.
        self.backends[name] = OpenBackend(backend, info, gate, mode)

    @staticmethod
    def _live(backend: Backend[Any], info: BackendInfo) -> dict[Kind, Capabilities]:
        live: dict[Kind, Capabilities] = {}
        for kind in info.at_most:
            capabilities = backend.capabilities(kind)
            if capabilities is not None:
                live[kind] = capabilities
        return live

    async def close(self) -> None:
        """Close every backend; later calls on any handle raise Closed."""
        for opened in self.backends.values():
            await opened.gate.close()
        results = await asyncio.gather(
            *(opened.backend.close() for opened in self.backends.values()),
            return_exceptions=True,
        )
        self.backends.clear()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def on_inferred(self, ensure: Callable[[Runtime, StoreSpec], Awaitable[StoredSpec]]) -> None:
        """Say how a store that nobody declared comes into being at its first use."""
        self._ensure = ensure

    def backend_for(self, spec: StoreSpec) -> OpenBackend:
        """Return the open backend that serves `spec`.

        Raises:
            ConfigError: None is named for it.
            ConnectionFailed: It could not be opened.
        """
        name = self.config.backend_of(spec)
        if name in self.backends:
            return self.backends[name]
        if name in self.failures:
            raise self.failures[name]
        raise Closed("the client is not open", backend=name, store=spec.name)

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
        opened = self.backend_for(spec)

        async def prepare() -> Driver:
            stored = await self._make(spec)
            if declared is None:
                # Somebody else may have declared it, with fields to index or a time to live.
                store.spec = stored.spec
            return await opened.backend.bind(
                StoredSpec(store.spec, stored.generation, stored.origin)
            )

        store: BoundStore[Any] = BoundStore(
            spec, opened.gate, prepare=prepare, transaction=opened.backend.transaction
        )
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


def named_info(config: PolystoreConfig, name: str, registry: Registry) -> BackendInfo:
    """Return what the plugin says that the block of the backend `name` names with `use:`.

    Raises:
        PluginError: There is no such plugin, or it is broken; the message has file and line.
    """
    raw = config.backends[name]
    try:
        return registry.backend_info(raw.use)
    except PluginError as error:
        path = ("backends", name, "use")
        hidden = path in raw.origin.substituted
        text = f"{raw.origin.where(path)}: {show_path(path)}: {error.message}"
        raise PluginError(
            # What the environment holds is not shown, wherever it was put by mistake.
            redact(text, [raw.use]) if hidden else text,
            hint=redact(error.hint, [raw.use]) if hidden and error.hint else error.hint,
        ) from (None if hidden else error)


def load_backend_class(info: BackendInfo) -> type[Backend[Any]]:
    """Import and return the class that a plugin names.

    Raises:
        PluginError: It cannot be imported or is no Backend.
    """
    module, _, name = info.backend.partition(":")
    try:
        loaded = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"the backend class {info.backend} of plugin {info.name!r} cannot be imported: {error}",
            hint=f"Install its driver: `pip install polystore-{info.name}`",
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Backend)):
        raise PluginError(f"{info.backend} of plugin {info.name!r} is no Backend")
    return cast("type[Backend[Any]]", loaded)


def with_default_backend(config: PolystoreConfig, registry: Registry) -> PolystoreConfig:
    """Return `config`, with the default plugin's backend if it has none."""
    if config.backends:
        return config
    use, info = registry.default_backend()
    if info.default_settings is None:
        raise PluginError(f"the plugin {use!r} offers itself as default but has no settings for it")
    raw = RawBackend(use=use, settings=dict(info.default_settings))
    _log.warning(
        "no backends are configured: using %s (%s) in this folder. `polystore init` writes a file",
        use,
        ", ".join(f"{key}: {value}" for key, value in info.default_settings.items()),
    )
    return config.model_copy(update={"backends": {_DEFAULT_BACKEND: raw}})


def declare(
    config: PolystoreConfig, registry: Registry, specs: Sequence[StoreSpec]
) -> dict[str, Declared]:
    """Return every declared store: of the file, of included sets, of the code; by name.

    A store of the file may stand in for one of a set or of the code that has its name and kind.

    Raises:
        ConfigError: Two of them have one name, and neither stands in for the other.
    """
    declared = {name: Declared(spec, "yaml") for name, spec in config.stores.items()}
    sets = (registry.store_set(name, given) for name, given in config.included.items())
    extra = [spec for specs_of_set in sets for spec in specs_of_set]
    for spec in [*extra, *specs]:
        known = declared.get(spec.name)
        if known is None:
            declared[spec.name] = Declared(spec, "code")
        elif known.spec.kind != spec.kind:
            raise ConfigError(
                f"{spec.name!r} is declared as {known.spec.kind} and as {spec.kind}",
                store=spec.name,
                hint="Rename one of them",
            )
        elif known.origin == "code" and known.spec != spec:
            raise ConfigError(
                "the code or the included sets declare it twice, and not as the same",
                store=spec.name,
                hint="Declare it in the file, which stands in for both, or rename one of them",
            )
    return declared


def check_requirements(runtime: Runtime) -> None:
    """Raise UnsupportedError where a store's server lacks what it needs or `require:` names."""
    for declared in runtime.declared.values():
        live_capabilities(runtime.backend_for(declared.spec), declared.spec)
    for name, features in runtime.config.require.items():
        if name not in runtime.declared:
            raise ConfigError(f"require names the store {name!r}, which is not declared")
        spec = runtime.declared[name].spec
        opened = runtime.backend_for(spec)
        live = live_capabilities(opened, spec)
        for feature in features:
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
