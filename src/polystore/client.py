"""The way in: `open`, and the client and workspace views that it gives."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from typing_extensions import override

from polystore import tenants
from polystore.config import load_config
from polystore.errors import Closed, ConfigError, Conflict
from polystore.health.doctor import HEALTH_TIMEOUT, doctor, health
from polystore.plugins.registry import Registry
from polystore.runtime import Runtime, check_requirements
from polystore.schema import planning, undeclared
from polystore.schema.generations import Generations
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.stores.typed_doc import TypedDocStore
from polystore.stores.typed_vector import TypedVectorStore
from polystore.stores.vector import VectorStore
from polystore.tenancy import Tenancy
from polystore.types.call import Call
from polystore.types.names import check_workspace
from polystore.types.numbers import check_timeout
from polystore.units.unit import UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from polystore.capabilities import Kind
    from polystore.specs import StoreSpec
    from polystore.stores.bound import BoundStore
    from polystore.stores.typed import M
    from polystore.types.call import Isolation
    from polystore.types.reports import Change, Finding, Health, Progress, Usage

T = TypeVar("T")
_UNIT_PAUSE = 0.02
"""Seconds before a unit is tried again; times the attempt, with jitter."""


class Stores(Tenancy):
    """Access to stores, in one workspace: what a client and its workspace views share."""

    def kv(self, name: str) -> KVStore:
        """Return the key-value store `name`.

        Raises:
            StoreNotFound: It is not declared, where only declared stores are allowed.
        """
        return KVStore(*self._view("kv", name))

    @overload
    def vector(self, name: str) -> VectorStore: ...
    @overload
    def vector(self, name: str, *, model: type[M]) -> TypedVectorStore[M]: ...
    def vector(
        self, name: str, *, model: type[M] | None = None
    ) -> VectorStore | TypedVectorStore[M]:
        """Return the vector store `name`, which must be declared.

        Args:
            name: Its name.
            model: A pydantic model for the metadata, checked on the way in and out.

        Raises:
            StoreNotFound: It is not declared.
            ConfigError: The model does not read its fields under the names that it writes.
        """
        store = VectorStore(*self._view("vector", name))
        return store if model is None else TypedVectorStore(store, model)

    def graph(self, name: str) -> GraphStore:
        """Return the graph store `name`.

        Raises:
            StoreNotFound: It is not declared, where only declared stores are allowed.
        """
        return GraphStore(*self._view("graph", name))

    @overload
    def doc(self, name: str) -> DocStore: ...
    @overload
    def doc(self, name: str, *, model: type[M]) -> TypedDocStore[M]: ...
    def doc(self, name: str, *, model: type[M] | None = None) -> DocStore | TypedDocStore[M]:
        """Return the document store `name`.

        Args:
            name: Its name.
            model: A pydantic model for the documents, checked on the way in and out.

        Raises:
            StoreNotFound: It is not declared, where only declared stores are allowed.
            ConfigError: The model does not read its fields under the names that it writes.
        """
        store = DocStore(*self._view("doc", name))
        return store if model is None else TypedDocStore(store, model)

    def unit_of_work(
        self,
        *stores: str,
        timeout: float | None = None,
        isolation: Isolation = "read committed",
    ) -> UnitOfWork:
        """Return a unit of work over the named stores; use it with `async with`.

        Args:
            stores: Names of the stores that take part.
            timeout: Seconds that each call in it may take.
            isolation: What it may see of others that run at the same time.

        Raises:
            UnsupportedError: Their backends cannot make it all or nothing.
            InvalidRecord: The timeout is not positive.
        """
        call = Call(self._tenant(), timeout=None if timeout is None else check_timeout(timeout))
        return UnitOfWork(self.runtime, call, stores, isolation)

    async def run_unit(
        self,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *stores: str,
        attempts: int = 5,
        timeout: float | None = None,
        isolation: Isolation = "read committed",
    ) -> T:
        """Carry out `work` in a unit of work, again from the start while others get in its way.

        Args:
            work: Gets the unit; may be called several times, so it does nothing else that lasts.
            stores: Names of the stores that take part.
            attempts: How often at most.
            timeout: Seconds that each call in it may take.
            isolation: What it may see of others that run at the same time.

        Raises:
            Conflict: Others got in its way every time; nothing is stored.
        """
        for attempt in range(1, attempts + 1):
            try:
                async with self.unit_of_work(*stores, timeout=timeout, isolation=isolation) as unit:
                    return await work(unit)
            except Conflict as error:
                if not error.retryable or attempt == attempts:
                    raise
            # Jitter, so that those who collided do not collide again.
            await asyncio.sleep(_UNIT_PAUSE * attempt * random.uniform(0.5, 1.5))  # noqa: S311
        raise ConfigError(f"attempts must be at least 1, not {attempts}")

    def _view(self, kind: Kind, name: str) -> tuple[BoundStore[Any], Call]:
        return self.runtime.bound(kind, name), Call(self._tenant())


class Workspace(Stores):
    """The same stores for another tenant; costs nothing to make."""

    def __init__(self, client: Polystore, name: str) -> None:
        super().__init__(check_workspace(name))
        self._client = client

    @property
    def name(self) -> str:
        """The tenant."""
        return self._tenant()

    @property
    @override
    def runtime(self) -> Runtime:
        """The client's runtime."""
        return self._client.runtime


class Polystore(Stores):
    """A client: all stores of one configuration, in one event loop. Made by `open`."""

    def __init__(
        self,
        source: str | Path | Mapping[str, Any] | None,
        specs: Sequence[StoreSpec],
        *,
        schema: Literal["auto", "check", "off"] | None,
        tolerant: bool,
    ) -> None:
        self._specs = tuple(specs)
        self._config = load_config(source, declared=[spec.name for spec in self._specs])
        super().__init__(self._config.workspace)
        self._schema = schema
        self._tolerant = tolerant
        self._runtime: Runtime | None = None
        # Whoever opens or closes goes alone: two at once would leave connections that none closes.
        self._turn = asyncio.Lock()

    @property
    @override
    def runtime(self) -> Runtime:
        """The open backends and bound stores.

        Raises:
            Closed: Before `start` and after `close`.
        """
        if self._runtime is None:
            raise Closed("the client is not open", hint="Use `async with polystore.open(...)`")
        return self._runtime

    async def start(self) -> Self:
        """Connect, check or make the schema, and check `require:`; what `async with` does first."""
        async with self._turn:
            if self._runtime is None:
                self._runtime = await self._opened()
        return self

    async def _opened(self) -> Runtime:
        runtime = Runtime(self._config, Registry(), self._specs, schema=self._schema)
        await runtime.open(tolerant=self._tolerant)
        try:
            await planning.prepare(runtime)
            if not self._tolerant:
                check_requirements(runtime)
        except BaseException:
            await runtime.close()
            raise
        return runtime

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        async with self._turn:
            runtime, self._runtime = self._runtime, None
            if runtime is None:
                return
            # Shielded, so that a cancellation does not leave connections open; one waits for the
            # end, a second one gets through.
            closing = asyncio.ensure_future(runtime.close())
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:
                await closing
                raise

    async def __aenter__(self) -> Self:
        """Start."""
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    def workspace(self, name: str) -> Workspace:
        """Return the same stores for the tenant `name`, over the same connections.

        Raises:
            InvalidRecord: The name is empty or no text.
            LimitExceeded: It has more than 256 bytes.
        """
        return Workspace(self, name)

    async def workspaces(self, *, available: bool = False) -> list[str]:
        """Return the workspaces that have data on any backend, in order.

        Args:
            available: Leave out backends out of reach that only optional stores are on.

        Raises:
            ConnectionFailed: A backend is out of reach.
        """
        return await tenants.workspaces(self.runtime, available=available)

    def raw(self, backend: str) -> Any:
        """Return the driver's own client of a backend, for what no abstraction covers.

        Raises:
            ConfigError: No backend has that name.
        """
        opened = self.runtime.backends.get(backend)
        if opened is None:
            names = ", ".join(sorted(self.runtime.backends))
            raise ConfigError(f"no backend is called {backend!r}", hint=f"There are: {names}")
        return opened.backend.raw

    async def plan(self) -> list[Change]:
        """Return what has to change for the engines to have what is declared.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        await self.runtime.reach_all()
        return await planning.plan(self.runtime)

    async def apply(self, *, progress: Callable[[Progress], object] | None = None) -> list[Change]:
        """Carry out what `plan` returns; never destructive. Returns what was done.

        Args:
            progress: Called now and then with how far an engine is that builds an index, where it
                can tell; in the event loop, so it should be quick.

        Raises:
            SchemaMismatch: A change is refused; nothing was changed.
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        await self.runtime.reach_all()
        return await planning.apply(self.runtime, progress)

    async def notes(self) -> list[Finding]:
        """Return what `plan` leaves alone: stores no longer declared, generations beside others.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        await self.runtime.reach_all()
        return await undeclared.notes(self.runtime)

    async def destroy(self, store: str, *, dry_run: bool = False) -> Change:
        """Drop a store that is no longer declared, with all that it has in every workspace.

        Args:
            store: Its name; `backend/name` where several backends have one.
            dry_run: Only return what would be done.

        Raises:
            StoreNotFound: There is none of that name that is not declared.
            ConfigError: Several backends have one.
            UnsupportedError: The backend cannot drop a store.
        """
        await self.runtime.reach_all()
        if dry_run:
            return await undeclared.destroying(self.runtime, store)
        return await undeclared.destroy(self.runtime, store)

    def generations(self, store: str) -> Generations:
        """Return what there is to do with the generations of the vector store `store`.

        Another generation, of other dimensions, another metric or another embedding model, is made
        and filled beside the one that serves, and switched to in one step.

        Raises:
            StoreNotFound: It is not declared.
        """
        self.runtime.bound("vector", store)
        return Generations(self.runtime, store)

    async def repair(self) -> list[Change]:
        """Mend what broke though it was applied, e.g. an index that is invalid or missing.

        Makes nothing new and removes nothing, so it is safe at any time, while others work. Returns
        what was mended.
        """
        return await planning.repair(self.runtime)

    def usage(self) -> Usage:
        """Return what is going on now: calls, connections, and what optional stores did without.

        Asks no server.
        """
        return self.runtime.usage()

    async def health(self, *, timeout: float = HEALTH_TIMEOUT) -> list[Health]:
        """Ask every backend something small, each within `timeout` seconds."""
        return await health(self.runtime, timeout=timeout)

    async def doctor(self, *, deep: bool = False) -> list[Finding]:
        """Return what is wrong with the installation, backends and stores, the worst first.

        Args:
            deep: Look at data, too: for rows that name rows of another store (`relations:`) that
                are not there. Reads every row of such stores.
        """
        return await doctor(self.runtime, deep=deep)


def open(
    source: str | Path | Mapping[str, Any] | None = None,
    *,
    stores: Sequence[StoreSpec] = (),
    schema: Literal["auto", "check", "off"] | None = None,
    tolerant: bool = False,
) -> Polystore:
    """Return a client for a configuration; use it with `async with`.

    Args:
        source: A YAML file's path, a mapping of the same shape, or None: an embedded engine in
            `./.polystore`.
        stores: Stores that the code declares, beside those of the file.
        schema: Overrides every backend's `schema:`; `off` neither checks nor changes anything.
        tolerant: Open what can be opened, for `doctor` and `health`; using a store whose backend
            could not be opened raises why.

    Raises:
        ConfigError: The configuration is wrong; every problem is named with file, line and key.
    """
    return Polystore(source, stores, schema=schema, tolerant=tolerant)
