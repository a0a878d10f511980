"""From a configuration to open backends; one pool per backend and event loop."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from polystore.config import BackendConfig, PolystoreConfig, validate_backends
from polystore.declaring import declare, load_backend_class, named_info, with_default_backend
from polystore.errors import Closed, PolystoreError
from polystore.stores.gate import Gate
from polystore.stores.optional import OUT_OF_REACH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from polystore.backend import Backend, BackendInfo
    from polystore.capabilities import Capabilities, Kind
    from polystore.plugins.registry import Registry
    from polystore.specs import StoreSpec

_log = logging.getLogger("polystore")
_DEFAULT_IN_FLIGHT = 64


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


@dataclass(slots=True)
class Aside:
    """A backend that is out of reach, and that only optional stores are on.

    Attributes:
        info: Its plugin's word about it.
        config: Its block.
        gate: What stands before its stores, now and once it is open.
        turn: Whoever tries to open it goes alone.
        since: Since when.
    """

    info: BackendInfo
    config: BackendConfig
    gate: Gate
    turn: asyncio.Lock
    since: datetime


class Backends:
    """The backends of a configuration, open or out of reach; in the loop that uses them.

    Attributes:
        config: The configuration, with the default backend filled in where it had none.
        registry: The plugins.
        declared: The declared stores, by name.
        backends: The open ones, by name.
        failures: The backends that are not open, and why: with `tolerant` any, else those that
            only optional stores are on.
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
        self.aside: dict[str, Aside] = {}
        self._closed = False
        self._schema = schema
        self._prepare: Callable[[OpenBackend], Awaitable[None]] | None = None

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
            if isinstance(result, OUT_OF_REACH) and self.is_optional(name):
                self._put_aside(name, infos[name], configs[name], result)
            elif tolerant and isinstance(result, PolystoreError):
                self.failures[name] = result
            else:
                errors.append(result)
        if errors:
            await self.close()
            raise errors[0]

    async def _open(self, name: str, info: BackendInfo, config: BackendConfig) -> None:
        # Noted at once, so that it is closed even if opening the others is given up.
        self.backends[name] = await self._opened(name, info, config, _gate(name, config))

    async def _opened(
        self, name: str, info: BackendInfo, config: BackendConfig, gate: Gate
    ) -> OpenBackend:
        backend = load_backend_class(info)(name, config)
        # Importing a driver holds the event loop for seconds on a busy machine, which would count
        # against the deadlines of the others' connections: all import before any connects.
        await asyncio.sleep(0)
        try:
            await backend.open()
            limits = [live.limits.in_flight for live in self._live(backend, info).values()]
            gate.widen(config.max_in_flight or min(limits, default=_DEFAULT_IN_FLIGHT))
        except BaseException as error:
            await backend.close()
            if isinstance(error, PolystoreError):
                error.backend = error.backend or name
            raise
        by_itself = "auto" if backend.schema_auto else "check"
        mode = self._schema or config.schema_ or by_itself
        gate.telemetry.watch(backend.pool_use)
        return OpenBackend(backend, info, gate, mode)

    def is_optional(self, backend: str) -> bool:
        """Return whether a backend serves declared stores, all of which are optional."""
        served = [
            declared.spec.optional
            for declared in self.declared.values()
            if self.config.backend_of(declared.spec) == backend
        ]
        return bool(served) and all(served)

    def is_aside(self, backend: str) -> bool:
        """Return whether a backend is out of reach, and the client open all the same."""
        return backend in self.aside

    def _put_aside(
        self, name: str, info: BackendInfo, config: BackendConfig, error: PolystoreError
    ) -> None:
        self.aside[name] = Aside(
            info, config, _gate(name, config), asyncio.Lock(), datetime.now(UTC)
        )
        self.failures[name] = error
        _log.warning("%s cannot be opened; only optional stores are on it: %s", name, error)

    async def put_aside(self, opened: OpenBackend, error: PolystoreError) -> None:
        """Close a backend that only optional stores are on, to open it when it is in reach."""
        del self.backends[opened.name]
        self._put_aside(opened.name, opened.info, opened.backend.config, error)
        await opened.gate.close()
        await opened.backend.close()

    async def reach(self, name: str) -> OpenBackend:
        """Return an open backend, opened and prepared now if it was out of reach before.

        Raises:
            PolystoreError: It cannot be opened, or does not have what is declared.
        """
        if name not in self.backends and name in self.aside:
            aside = self.aside[name]
            async with aside.turn:
                if name not in self.backends:
                    self.backends[name] = await self._reached(name, aside)
                    del self.aside[name], self.failures[name]
        return self.named(name)

    async def _reached(self, name: str, aside: Aside) -> OpenBackend:
        opened = await self._opened(name, aside.info, aside.config, aside.gate)
        try:
            if self._prepare is not None:
                await self._prepare(opened)
        except BaseException:
            await opened.backend.close()
            raise
        if self._closed:  # meanwhile
            await opened.backend.close()
            raise Closed("the client is closed", backend=name)
        return opened

    def names(self) -> list[str]:
        """Return the backends that are open, and those that optional stores wait for."""
        return [*self.backends, *self.aside]

    async def reach_all(self) -> None:
        """Open what was out of reach, for those who have to ask every backend.

        Raises:
            PolystoreError: One cannot be opened.
        """
        for name in list(self.aside):
            await self.reach(name)

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
        self._closed = True
        for gate in self.gates().values():
            await gate.close()
        results = await asyncio.gather(
            *(opened.backend.close() for opened in self.backends.values()),
            return_exceptions=True,
        )
        self.backends.clear()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def gates(self) -> dict[str, Gate]:
        """Return what stands before each backend, by its name."""
        gates = {name: opened.gate for name, opened in self.backends.items()}
        return gates | {name: aside.gate for name, aside in self.aside.items()}

    def on_reached(self, prepare: Callable[[OpenBackend], Awaitable[None]]) -> None:
        """Say what is done with a backend that could not be opened at first, before its use."""
        self._prepare = prepare

    def backend_for(self, spec: StoreSpec) -> OpenBackend:
        """Return the open backend that serves `spec`.

        Raises:
            ConfigError: None is named for it.
            ConnectionFailed: It could not be opened.
        """
        return self.named(self.config.backend_of(spec))

    def named(self, name: str) -> OpenBackend:
        """Return the open backend `name`.

        Raises:
            ConnectionFailed: It could not be opened.
        """
        if name in self.backends:
            return self.backends[name]
        if name in self.failures:
            raise self.failures[name]
        raise Closed("the client is not open", backend=name)


def _gate(name: str, config: BackendConfig) -> Gate:
    in_flight = config.max_in_flight or _DEFAULT_IN_FLIGHT
    return Gate(name, timeout=config.timeout, retries=config.retries, in_flight=in_flight)
