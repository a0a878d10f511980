"""Units of work: several stores, all or nothing, on one transactional backend."""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args, overload

from polystore.capabilities import Feature
from polystore.errors import Closed, ConfigError, StoreNotFound, UnsupportedError
from polystore.runtime import live_capabilities
from polystore.stores.doc import DocStore
from polystore.stores.graph import GraphStore
from polystore.stores.kv import KVStore
from polystore.stores.typed_doc import TypedDocStore
from polystore.stores.typed_vector import TypedVectorStore
from polystore.stores.vector import VectorStore
from polystore.types.call import Isolation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from polystore.capabilities import Kind
    from polystore.runtime import OpenBackend, Runtime
    from polystore.stores.bound import BoundStore
    from polystore.stores.typed import M
    from polystore.types.call import Call

Guarantee: TypeAlias = Literal["atomic", "journaled"]
"""`atomic`: one transaction that reads its own writes. `journaled`: rolled forward by recovery."""


LONG_UNIT = 10.0
"""Seconds after which a unit of work is worth a warning."""

_log = logging.getLogger("polystore")
_running: ContextVar[UnitOfWork | None] = ContextVar("polystore_running_unit", default=None)


class UnitOfWork:
    """Writes to the named stores become visible together when the block ends, or not at all.

    Use it with `async with`. Inside, reads see what the unit wrote; outside, nothing of it shows
    before the end. An exception, or a cancellation, rolls everything back. Others may make it
    impossible (a deadlock, or what `isolation` forbids): Conflict with `retryable` set, nothing
    stored; `run_unit` tries again by itself.

    Args:
        runtime: The open runtime.
        call: Workspace and options of every call in the unit.
        stores: Names of the stores that take part.
        isolation: What it may see of others that run at the same time.

    Raises:
        ConfigError: No store is named, or the isolation is none that there is.
        StoreNotFound: A named store is not declared.
        UnsupportedError: The stores' backends cannot guarantee it.
    """

    def __init__(
        self,
        runtime: Runtime,
        call: Call,
        stores: Sequence[str],
        isolation: Isolation = "read committed",
    ) -> None:
        if not stores:
            raise ConfigError("a unit of work names its stores", hint='unit_of_work("a", "b")')
        if isolation not in get_args(Isolation):
            levels = ", ".join(get_args(Isolation))
            raise ConfigError(f"{isolation!r} is no isolation level", hint=f"There are: {levels}")
        self._runtime = runtime
        self._call = call
        self._names = tuple(dict.fromkeys(stores))
        self._backend = self._common_backend()
        self._isolation: Isolation = isolation
        self._started = 0.0
        self._open: AsyncExitStack | None = None
        self._entered: Call | None = None

    @property
    def guarantee(self) -> Guarantee:
        """What this unit promises; known before it starts."""
        return "atomic"

    async def __aenter__(self) -> Self:
        """Begin the transaction."""
        if self._open is not None:
            raise Closed("a unit of work is used once", hint="Make a new one")
        _refuse_nesting()
        for name in self._names:
            await self._bound(name).ready()
        self._backend.gate.check(self._names[0])
        self._open = AsyncExitStack()
        session = await self._open.enter_async_context(
            self._backend.backend.transaction(self._isolation)
        )
        self._entered = replace(self._call, session=session)
        self._started = time.monotonic()
        _running.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back if the block was left by an exception."""
        self._entered = None
        _running.set(None)
        if self._open is not None:
            await self._open.__aexit__(kind, error, trace)
        lasted = time.monotonic() - self._started
        if lasted > LONG_UNIT:
            _log.warning(
                "a unit of work over %s lasted %.1f s and kept a connection and locks so long; "
                "do slow work before or after it",
                ", ".join(self._names),
                lasted,
            )

    @property
    def is_running(self) -> bool:
        """Whether it was entered and not yet left."""
        return self._entered is not None

    def kv(self, name: str) -> KVStore:
        """Return a key-value store of this unit."""
        return KVStore(*self._view("kv", name))

    @overload
    def vector(self, name: str) -> VectorStore: ...
    @overload
    def vector(self, name: str, *, model: type[M]) -> TypedVectorStore[M]: ...
    def vector(
        self, name: str, *, model: type[M] | None = None
    ) -> VectorStore | TypedVectorStore[M]:
        """Return a vector store of this unit; `model` as in `Stores.vector`."""
        store = VectorStore(*self._view("vector", name))
        return store if model is None else TypedVectorStore(store, model)

    def graph(self, name: str) -> GraphStore:
        """Return a graph store of this unit."""
        return GraphStore(*self._view("graph", name))

    @overload
    def doc(self, name: str) -> DocStore: ...
    @overload
    def doc(self, name: str, *, model: type[M]) -> TypedDocStore[M]: ...
    def doc(self, name: str, *, model: type[M] | None = None) -> DocStore | TypedDocStore[M]:
        """Return a document store of this unit; `model` as in `Stores.doc`."""
        store = DocStore(*self._view("doc", name))
        return store if model is None else TypedDocStore(store, model)

    def _view(self, kind: Kind, name: str) -> tuple[BoundStore[Any], Call]:
        if self._entered is None:
            raise Closed("the unit of work is not running", hint="Use it inside its `async with`")
        if name not in self._names:
            raise StoreNotFound(
                f"the store {name!r} takes no part in this unit of work",
                store=name,
                hint=f"Name it: unit_of_work({', '.join(map(repr, (*self._names, name)))})",
            )
        return self._runtime.bound(kind, name), self._entered

    def _bound(self, name: str) -> BoundStore[Any]:
        declared = self._runtime.declared.get(name)
        if declared is None:
            raise StoreNotFound(
                f"the store {name!r} is not declared",
                store=name,
                hint="A unit of work takes declared stores only",
            )
        return self._runtime.bound(declared.spec.kind, name)

    def _common_backend(self) -> OpenBackend:
        specs = [self._bound(name).spec for name in self._names]
        opened = {self._runtime.config.backend_of(spec): spec for spec in specs}
        if len(opened) > 1:
            raise UnsupportedError(
                f"the stores of this unit of work are on {len(opened)} backends: "
                f"{', '.join(sorted(opened))}",
                hint="Put them on one backend with the capability 'transaction'",
            )
        backend = self._runtime.backend_for(specs[0])
        for spec in specs:
            live_capabilities(backend, spec).require(
                Feature.TRANSACTION,
                backend=backend.name,
                store=spec.name,
                operation="a unit of work",
            )
        return backend


def _refuse_nesting() -> None:
    running = _running.get()
    if running is not None and running.is_running:
        raise UnsupportedError(
            "units of work do not nest",
            hint="Name all stores in the outer one and use it; or end it first",
        )
