"""The part of the driver contract that all four kinds share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from polystore.types.reports import Explanation

if TYPE_CHECKING:
    from polystore.capabilities import Capabilities
    from polystore.stores.queries import FindQuery, SearchQuery
    from polystore.types.call import Call


class Driver(ABC):
    """One store on one backend, for every workspace: what a backend's author implements.

    Hooks receive validated input: keys within the limits, batches without duplicates and within
    `limits.batch_rows` and `limits.batch_bytes`, filters made of declared operators. They raise
    polystore's errors only. Order in is order out. A hook call is wholly in or wholly out for up
    to `limits.atomic_batch` rows, also when it is cancelled.
    """

    capabilities: Capabilities

    @abstractmethod
    async def count(self, call: Call) -> int:
        """Return how many rows the workspace has; expired ones are not counted."""

    @abstractmethod
    async def clear(self, call: Call) -> int:
        """Delete everything that the workspace has in this store; return how many rows."""

    async def size_bytes(self, call: Call) -> int | None:  # noqa: ARG002
        """Return about how many bytes the workspace takes, or None if the engine cannot tell."""
        return None

    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:  # noqa: ARG002
        """Return how `query` would be carried out; by default everything is read and compared."""
        return Explanation(operation=type(query).__name__, how="emulated", access="exact")
