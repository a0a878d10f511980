"""What can be done with a workspace as a whole; a part of every view of stores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from polystore import tenants, workspace_lines
from polystore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from polystore.runtime import Runtime
    from polystore.types.reports import StoreSize


class Tenancy(ABC):
    """A workspace, over all stores of all backends."""

    def __init__(self, workspace: str | None) -> None:
        self._workspace = workspace

    @property
    @abstractmethod
    def runtime(self) -> Runtime:
        """The open backends and bound stores."""

    async def sizes(self, *, available: bool = False) -> list[StoreSize]:
        """Return how much each store holds in this workspace, declared or not, by name.

        A store that is declared but not there yet (see `plan`) is left out.

        Args:
            available: Leave out, too, backends out of reach that only optional stores are on.

        Raises:
            ConnectionFailed: A backend is out of reach.
        """
        return await tenants.sizes(self.runtime, self._tenant(), available=available)

    async def drop(self) -> int:
        """Delete everything of this workspace in every store that the backends have.

        Returns:
            How many rows there were.

        Raises:
            ConnectionFailed: A backend is out of reach, also one with optional stores only.
        """
        return await tenants.drop(self.runtime, self._tenant())

    async def export(self, *, batch: int = 500) -> AsyncIterator[bytes]:
        """Yield everything of this workspace in every store, as lines of JSON.

        Every row that is there all the while comes; what is written meanwhile may or may not.
        Versions and times are not carried over, but the moment at which an entry expires is.

        Args:
            batch: Rows that are read at a time.

        Raises:
            ConnectionFailed: A backend is out of reach. What came so far lacks the last line, and
                `load` takes it for cut off.
        """
        async for line in workspace_lines.export(self.runtime, self._tenant(), batch=batch):
            yield line

    async def load(self, lines: Iterable[bytes]) -> int:
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
        return await workspace_lines.load(self.runtime, self._tenant(), lines)

    def _tenant(self) -> str:
        if self._workspace is None:
            raise ConfigError(
                "no workspace is named, and `tenancy: required` forbids a default",
                hint='Use ps.workspace("name").kv(...)',
            )
        return self._workspace
