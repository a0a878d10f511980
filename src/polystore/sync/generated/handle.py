"""What the handles of all kinds share.

For synchronous callers: generated from polystore.stores.handle by
tools/generate_sync.py, not to be edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from polystore.sync.wrapper import Wrapper

if TYPE_CHECKING:
    from polystore.capabilities import Capabilities
    from polystore.specs import StoreSpec
    from polystore.stores.handle import Handle as AsyncHandle
    from polystore.types.call import Consistency

H = TypeVar("H", bound="AsyncHandle[Any]")


class Handle(Wrapper[H]):
    """What users hold: a view made of a bound store and a call; cheap to make and to rebind."""

    @property
    def name(self) -> str:
        """Name of the store."""
        return self._wrapped.name

    @property
    def backend(self) -> str:
        """Name of the backend that serves it."""
        return self._wrapped.backend

    @property
    def workspace(self) -> str:
        """The tenant whose data this handle reads and writes."""
        return self._wrapped.workspace

    @property
    def spec(self) -> StoreSpec:
        """What was declared."""
        return self._wrapped.spec

    def with_options(
        self, *, timeout: float | None = None, consistency: Consistency | None = None
    ) -> Self:
        """Return the same store with another deadline (seconds) or freshness of reads.

        Raises:
            InvalidRecord: The deadline is not positive, or the freshness is none that there is.
        """
        return type(self)(
            self._portal, self._wrapped.with_options(timeout=timeout, consistency=consistency)
        )

    def capabilities(self) -> Capabilities:
        """Return what this store can do, with numeric limits, as its server told."""
        return self._portal.call(self._wrapped.capabilities)

    def clear(self) -> int:
        """Delete everything of this workspace in this store; return how many rows there were."""
        return self._portal.call(self._wrapped.clear)

    def size_bytes(self) -> int | None:
        """Return about how many bytes this workspace takes here, or None if nobody can tell."""
        return self._portal.call(self._wrapped.size_bytes)
