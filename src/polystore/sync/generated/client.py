"""The way in: `open`, and the client and workspace views that it gives.

For synchronous callers: generated from polystore.client by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from polystore.client import Polystore as AsyncPolystore
from polystore.client import Stores as AsyncStores
from polystore.client import T
from polystore.client import Workspace as AsyncWorkspace
from polystore.client import open as open_async
from polystore.errors import ConfigError, Conflict
from polystore.health.doctor import HEALTH_TIMEOUT
from polystore.sync.generated.doc import DocStore
from polystore.sync.generated.generations import Generations
from polystore.sync.generated.graph import GraphStore
from polystore.sync.generated.kv import KVStore
from polystore.sync.generated.typed_doc import TypedDocStore
from polystore.sync.generated.typed_vector import TypedVectorStore
from polystore.sync.generated.unit import UnitOfWork
from polystore.sync.generated.vector import VectorStore
from polystore.sync.portal import Portal, settled
from polystore.sync.wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterable,
        Mapping,
        Sequence,
    )
    from pathlib import Path
    from types import TracebackType

    from polystore.specs import StoreSpec
    from polystore.stores.typed import M
    from polystore.types.call import Isolation
    from polystore.types.reports import Change, Finding, Health, Progress, StoreSize, Usage

S = TypeVar("S", bound="AsyncStores")


class Stores(Wrapper[S]):
    """Access to stores, in one workspace: what a client and its workspace views share."""

    def sizes(self, *, available: bool = False) -> list[StoreSize]:
        """Return how much each store holds in this workspace, declared or not, by name.

        A store that is declared but not there yet (see `plan`) is left out.

        Args:
            available: Leave out, too, backends out of reach that only optional stores are on.

        Raises:
            ConnectionFailed: A backend is out of reach.
        """
        return self._portal.call(self._wrapped.sizes, available=available)

    def drop(self) -> int:
        """Delete everything of this workspace in every store that the backends have.

        Returns:
            How many rows there were.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        return self._portal.call(self._wrapped.drop)

    def export(self, *, batch: int = 500) -> Generator[bytes]:
        """Yield everything of this workspace in every store, as lines of JSON.

        Every row that is there all the while comes; what is written meanwhile may or may not.
        Versions and times are not carried over, but the moment at which an entry expires is.

        Args:
            batch: Rows that are read at a time.

        Raises:
            ConnectionFailed: A backend is out of reach. What came so far lacks the last line, and
                `load` takes it for cut off.
        """
        return self._portal.iterate(self._wrapped.export(batch=batch), batch)

    def load(self, lines: Iterable[bytes]) -> int:
        """Store what `export` has yielded, of this workspace or another; return how many rows.

        Rows that are there already are replaced, others stay. Entries that have expired since are
        left out. Safe to repeat.

        Args:
            lines: The lines, e.g. an open file.

        Raises:
            InvalidRecord: A line is none of an export, or the last one is missing; the rows before
                it may be stored.
            StoreNotFound: A store is not declared.
        """
        return self._portal.call(self._wrapped.load, settled(lines))

    def kv(self, name: str) -> KVStore:
        """Return the key-value store `name`.

        Raises:
            StoreNotFound: It is not declared, where only declared stores are allowed.
        """
        return KVStore(self._portal, self._portal.run(self._wrapped.kv, name))

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
        if model is None:
            return VectorStore(self._portal, self._portal.run(self._wrapped.vector, name))
        return TypedVectorStore(
            self._portal, self._portal.run(self._wrapped.vector, name, model=model)
        )

    def graph(self, name: str) -> GraphStore:
        """Return the graph store `name`.

        Raises:
            StoreNotFound: It is not declared, where only declared stores are allowed.
        """
        return GraphStore(self._portal, self._portal.run(self._wrapped.graph, name))

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
        if model is None:
            return DocStore(self._portal, self._portal.run(self._wrapped.doc, name))
        return TypedDocStore(self._portal, self._portal.run(self._wrapped.doc, name, model=model))

    def unit_of_work(
        self, *stores: str, timeout: float | None = None, isolation: Isolation = "read committed"
    ) -> UnitOfWork:
        """Return a unit of work over the named stores; use it with `with`.

        Args:
            stores: Names of the stores that take part.
            timeout: Seconds that each call in it may take.
            isolation: What it may see of others that run at the same time.

        Raises:
            UnsupportedError: Their backends cannot make it all or nothing.
            InvalidRecord: The timeout is not positive.
        """
        return UnitOfWork(
            self._portal,
            self._portal.run(
                self._wrapped.unit_of_work, *stores, timeout=timeout, isolation=isolation
            ),
        )

    def run_unit(
        self,
        work: Callable[[UnitOfWork], T],
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
                with self.unit_of_work(*stores, timeout=timeout, isolation=isolation) as unit:
                    return work(unit)
            except Conflict as error:
                if not error.retryable or attempt == attempts:
                    raise
            # Jitter, so that those who collided do not collide again.
            time.sleep(0.02 * attempt * random.uniform(0.5, 1.5))  # noqa: S311
        raise ConfigError(f"attempts must be at least 1, not {attempts}")


class Workspace(Stores[AsyncWorkspace]):
    """The same stores for another tenant; costs nothing to make."""

    @property
    def name(self) -> str:
        """The tenant."""
        return self._wrapped.name


class Polystore(Stores[AsyncPolystore]):
    """A client: all stores of one configuration. Made by `open`."""

    def start(self) -> Self:
        """Connect, check or make the schema, and check `require:`; what `with` does first."""
        self._portal.open(self._wrapped.start, self._wrapped.close)
        return self

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self._portal.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def workspace(self, name: str) -> Workspace:
        """Return the same stores for the tenant `name`, over the same connections.

        Raises:
            InvalidRecord: The name is empty or no text.
            LimitExceeded: It has more than 256 bytes.
        """
        return Workspace(self._portal, self._wrapped.workspace(name))

    def workspaces(self, *, available: bool = False) -> list[str]:
        """Return the workspaces that have data on any backend, in order.

        Args:
            available: Leave out backends out of reach that only optional stores are on.

        Raises:
            ConnectionFailed: A backend is out of reach.
        """
        return self._portal.call(self._wrapped.workspaces, available=available)

    def raw(self, backend: str) -> Any:
        """Return the driver's own client of a backend, for what no abstraction covers.

        Raises:
            ConfigError: No backend has that name.
        """
        return self._portal.run(self._wrapped.raw, backend)

    def plan(self) -> list[Change]:
        """Return what has to change for the engines to have what is declared.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        return self._portal.call(self._wrapped.plan)

    def apply(self, *, progress: Callable[[Progress], object] | None = None) -> list[Change]:
        """Carry out what `plan` returns; never destructive. Returns what was done.

        Args:
            progress: Called now and then with how far an engine is that builds an index, where it
                can tell; in the event loop, so it should be quick.

        Raises:
            SchemaMismatch: A change is refused; nothing was changed.
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        return self._portal.call(self._wrapped.apply, progress=progress)

    def notes(self) -> list[Finding]:
        """Return what `plan` leaves alone: stores no longer declared, generations beside others.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        return self._portal.call(self._wrapped.notes)

    def destroy(self, store: str, *, dry_run: bool = False) -> Change:
        """Drop a store that is no longer declared, with all that it has in every workspace.

        Args:
            store: Its name; `backend/name` where several backends have one.
            dry_run: Only return what would be done.

        Raises:
            StoreNotFound: There is none of that name that is not declared.
            ConfigError: Several backends have one.
            UnsupportedError: The backend cannot drop a store.
        """
        return self._portal.call(self._wrapped.destroy, store, dry_run=dry_run)

    def generations(self, store: str) -> Generations:
        """Return what there is to do with the generations of the vector store `store`.

        Another generation, of other dimensions, another metric or another embedding model, is made
        and filled beside the one that serves, and switched to in one step.

        Raises:
            StoreNotFound: It is not declared.
        """
        return Generations(self._portal, self._portal.run(self._wrapped.generations, store))

    def repair(self) -> list[Change]:
        """Mend what broke though it was applied, e.g. an index that is invalid or missing.

        Makes nothing new and removes nothing, so it is safe at any time, while others work. Returns
        what was mended.
        """
        return self._portal.call(self._wrapped.repair)

    def usage(self) -> Usage:
        """Return what is going on now: calls, connections, and what optional stores did without.

        Asks no server.
        """
        return self._portal.run(self._wrapped.usage)

    def health(self, *, timeout: float = HEALTH_TIMEOUT) -> list[Health]:
        """Ask every backend something small, each within `timeout` seconds."""
        return self._portal.call(self._wrapped.health, timeout=timeout)

    def doctor(self, *, deep: bool = False) -> list[Finding]:
        """Return what is wrong with the installation, backends and stores, the worst first.

        Args:
            deep: Look at data, too: for rows that name rows of another store (`relations:`) that
                are not there. Reads every row of such stores.
        """
        return self._portal.call(self._wrapped.doctor, deep=deep)


def open(
    source: str | Path | Mapping[str, Any] | None = None,
    *,
    stores: Sequence[StoreSpec] = (),
    schema: Literal["auto", "check", "off"] | None = None,
    tolerant: bool = False,
) -> Polystore:
    """Return a client for a configuration; use it with `with`.

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
    return Polystore(Portal(), open_async(source, stores=stores, schema=schema, tolerant=tolerant))
