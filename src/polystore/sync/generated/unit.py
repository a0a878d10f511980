"""Units of work: several stores, all or nothing, on one transactional backend.

For synchronous callers: generated from polystore.units.unit by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Self,
    overload,
)

from polystore.sync.generated.doc import DocStore
from polystore.sync.generated.graph import GraphStore
from polystore.sync.generated.kv import KVStore
from polystore.sync.generated.typed_doc import TypedDocStore
from polystore.sync.generated.typed_vector import TypedVectorStore
from polystore.sync.generated.vector import VectorStore
from polystore.sync.wrapper import Wrapper
from polystore.units.unit import Guarantee
from polystore.units.unit import UnitOfWork as AsyncUnitOfWork

if TYPE_CHECKING:
    from types import TracebackType

    from polystore.stores.typed import M
    from polystore.sync.portal import Portal


class UnitOfWork(Wrapper[AsyncUnitOfWork]):
    """Writes to the named stores become visible together when the block ends, or not at all.

    Use it with `with`. Inside, reads see what the unit wrote; outside, nothing of it shows
    before the end. An exception, or a cancellation, rolls everything back. Others may make it
    impossible (a deadlock, or what `isolation` forbids): Conflict with `retryable` set, nothing
    stored; `run_unit` tries again by itself.
    """

    def __init__(self, portal: Portal, wrapped: AsyncUnitOfWork) -> None:
        super().__init__(portal, wrapped)
        self._block = portal.manage(wrapped)

    @property
    def guarantee(self) -> Guarantee:
        """What this unit promises; known before it starts."""
        return self._wrapped.guarantee

    def __enter__(self) -> Self:
        """Begin the transaction."""
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back if the block was left by an exception."""
        self._block.__exit__(kind, error, trace)

    @property
    def is_running(self) -> bool:
        """Whether it was entered and not yet left."""
        return self._wrapped.is_running

    def kv(self, name: str) -> KVStore:
        """Return a key-value store of this unit."""
        return KVStore(self._portal, self._portal.run(self._wrapped.kv, name))

    @overload
    def vector(self, name: str) -> VectorStore: ...

    @overload
    def vector(self, name: str, *, model: type[M]) -> TypedVectorStore[M]: ...

    def vector(
        self, name: str, *, model: type[M] | None = None
    ) -> VectorStore | TypedVectorStore[M]:
        """Return a vector store of this unit; `model` as in `Stores.vector`."""
        if model is None:
            return VectorStore(self._portal, self._portal.run(self._wrapped.vector, name))
        return TypedVectorStore(
            self._portal, self._portal.run(self._wrapped.vector, name, model=model)
        )

    def graph(self, name: str) -> GraphStore:
        """Return a graph store of this unit."""
        return GraphStore(self._portal, self._portal.run(self._wrapped.graph, name))

    @overload
    def doc(self, name: str) -> DocStore: ...

    @overload
    def doc(self, name: str, *, model: type[M]) -> TypedDocStore[M]: ...

    def doc(self, name: str, *, model: type[M] | None = None) -> DocStore | TypedDocStore[M]:
        """Return a document store of this unit; `model` as in `Stores.doc`."""
        if model is None:
            return DocStore(self._portal, self._portal.run(self._wrapped.doc, name))
        return TypedDocStore(self._portal, self._portal.run(self._wrapped.doc, name, model=model))
