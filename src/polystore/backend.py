"""What a backend's author implements, besides the drivers of the kinds it serves."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from polystore.config import BackendConfig
from polystore.errors import UnsupportedError
from polystore.progress import Counting
from polystore.types.reports import Progress

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from polystore.capabilities import Capabilities, Kind
    from polystore.specdiff import SpecChange, StoredSpec
    from polystore.specs import StoreSpec
    from polystore.stores.driver import Driver
    from polystore.types.addresses import TlsAddress
    from polystore.types.call import Isolation
    from polystore.types.reports import Change, Finding, PoolUse

CONTRACT_VERSION = 1
"""Of the seam between core and plugins; a plugin made for another one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendInfo:
    """What a plugin tells before anything is connected or its driver imported.

    Attributes:
        name: The `use:` value.
        config: The pydantic model of its `backends:` block.
        backend: Where its Backend class is, as "package.module:Class"; imported at open.
        at_most: Per kind it serves, what no server of it can exceed.
        default_settings: Its settings when no configuration is given, for a plugin that registers
            itself in the entry point group `polystore.default`; else None.
        contract: The contract version it was written for.
        description: One line for a person.
        at_least: Per kind, what every server of it can do: `check` promises it before connecting.
        check_store: Raises ConfigError or UnsupportedError for a store that it cannot serve as
            declared, e.g. for its `options`; asked before anything is connected.
        example: The lines of a block with every setting that matters, as `polystore init` shows it.
    """

    name: str
    config: type[BackendConfig]
    backend: str
    at_most: Mapping[Kind, Capabilities]
    default_settings: Mapping[str, Any] | None = None
    contract: int = CONTRACT_VERSION
    description: str = field(default="", compare=False)
    at_least: Mapping[Kind, Capabilities] = field(default_factory=dict["Kind", "Capabilities"])
    check_store: Callable[[StoreSpec], object] | None = None
    example: str = field(default="", compare=False)


C = TypeVar("C", bound=BackendConfig)


class Backend(ABC, Generic[C]):
    """One configured server (or embedded engine), used by any number of stores.

    Made in the event loop that uses it. `open` comes first, `close` last; drivers are made by
    `bind` and live as long as the backend. Every hook raises polystore's errors only.

    Args:
        name: Key in `backends:`; put it into errors.
        config: The validated block.

    Attributes:
        on_progress: What `apply_change` and `repair` call while they do what takes long, if anybody
            wants to know; None otherwise. A backend that cannot tell never calls it.
    """

    def __init__(self, name: str, config: C) -> None:
        self.name = name
        self.config = config
        self.on_progress: Callable[[Progress], object] | None = None
        self._schema_lock = asyncio.Lock()

    async def counting(
        self, what: str, total: Callable[[], Awaitable[int]], *, phase: str, unit: str
    ) -> Counting:
        """Return what tells `on_progress` how much is done, if anybody wants to know.

        Args:
            what: What is being done, for a person.
            total: Counts how much there is to do, in `unit`; asked only if anybody wants to know.
            phase: Which part of it.
            unit: What is counted, e.g. `rows`.
        """
        there = 0 if self.on_progress is None else await total()
        return Counting(self.on_progress, Progress(self.name, what, phase, 0, there, unit))

    @abstractmethod
    async def open(self) -> None:
        """Connect and learn what the server can do. Changes nothing there."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; safe to call twice, and after a failed `open`."""

    @abstractmethod
    async def ping(self) -> None:
        """Ask the server something small; raise if it does not answer."""

    @property
    @abstractmethod
    def raw(self) -> Any:
        """The driver's own client or pool, for what no abstraction covers."""

    @property
    @abstractmethod
    def schema_auto(self) -> bool:
        """Whether stores are created without being asked when `schema` is not configured."""

    @property
    def rebuilds(self) -> bool:
        """Whether `apply_change` carries out `rebuild_index`, while others read and write."""
        return False

    @property
    def removes(self) -> bool:
        """Whether `apply_change` carries out `drop_store`, with all that a store has."""
        return False

    @property
    def renames(self) -> bool:
        """Whether `apply_change` carries out `rename_store`: in one step, however much it has."""
        return False

    @abstractmethod
    def capabilities(self, kind: Kind) -> Capabilities | None:
        """Return what this server can do for `kind`, or None if it does not serve it."""

    @abstractmethod
    async def bind(self, stored: StoredSpec) -> Driver:
        """Return the driver of a store that exists."""

    @abstractmethod
    async def catalogue(self) -> dict[str, StoredSpec]:
        """Return the stores that exist, by name; {} before the layout is there."""

    @abstractmethod
    async def apply_change(self, stored: StoredSpec, change: SpecChange) -> None:
        """Carry out one change and record `stored`, what is true afterwards, in the catalogue.

        A change that was cut off is planned and carried out again, so it must be repeatable.
        """

    @abstractmethod
    async def workspaces(self) -> list[str]:
        """Return the workspaces that have data in any store, in order."""

    async def statements(self, stored: StoredSpec, change: SpecChange) -> tuple[str, ...]:  # noqa: ARG002
        """Return what `apply_change` would send, in the engine's language."""
        return ()

    async def layout_changes(self) -> Sequence[Change]:
        """Return what is pending of the backend's own layout."""
        return ()

    async def apply_layout(self) -> None:
        """Bring the backend's own layout up to date; safe for many processes at once."""

    async def repairs(self, stored: Sequence[StoredSpec]) -> Sequence[Change]:  # noqa: ARG002
        """Return what broke or was left undone though it was applied, e.g. a missing index.

        `plan` shows it and `apply` mends it; it is never a reason not to open.
        """
        return ()

    async def repair(self, stored: Sequence[StoredSpec]) -> None:
        """Carry out what `repairs` returns; safe to repeat."""

    @asynccontextmanager
    async def schema_lock(self) -> AsyncGenerator[None]:
        """Hold off every other process that would change this backend's schema."""
        async with self._schema_lock:
            yield

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncGenerator[object]:  # noqa: ARG002
        """Open a transaction and yield its session, which calls then carry.

        Leaving normally commits; an exception rolls back and goes on. What others did at the same
        time may make it impossible: Conflict, retryable, with nothing stored.
        """
        raise UnsupportedError("this backend has no transactions", backend=self.name)
        yield  # pragma: no cover - makes this an async generator

    def pool_use(self) -> PoolUse | None:
        """Return what the connections are doing; None if there are none to count.

        Asked often, and from another thread too: by `stats`, doctor, and exporters of metrics.
        """
        return None

    async def server_time(self) -> datetime | None:
        """Return what time it is on the server; None where it does not tell."""
        return None

    def tls_addresses(self) -> Sequence[TlsAddress]:
        """Return where its servers present certificates; doctor reads them without trusting."""
        return ()

    async def findings(self, stored: Sequence[StoredSpec]) -> list[Finding]:  # noqa: ARG002
        """Return what doctor sees beyond reachability and drift: versions, indexes, settings."""
        return []
