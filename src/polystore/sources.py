"""Foreign deployments that `polystore migrate-from NAME` reads: what a plugin's author implements.

A source is read only, never changed. It hands out its rows in an order of its own that is the
same every time, in batches with a position after each, so that an interrupted run can go on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from polystore.types.records import Document, Edge, KVEntry, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from types import TracebackType

    from polystore.specs import StoreSpec

Shape: TypeAlias = Literal["kv", "vector", "node", "edge", "doc"]
"""What the rows of a part are; a graph has two parts, and its nodes come before its edges."""
Row: TypeAlias = KVEntry | VectorRecord | Node | Edge | Document


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a plugin says about a source; importing it imports no driver.

    Attributes:
        source: `module:Class`, a `Source`.
        description: One line for people: what a location looks like.
        options: What it takes as `--option NAME=VALUE`, each with a line for people.
    """

    source: str
    description: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Rows of one shape for one store and one workspace.

    Attributes:
        name: What people know it by: a file, a table. No two parts share one.
        shape: What its rows are.
        store: The store that takes them.
        workspace: The tenant; None means the configuration's own.
        rows: How many there are.
        dimensions: Of its vectors; None where it has none.
    """

    name: str
    shape: Shape
    store: str
    workspace: str | None
    rows: int
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Some rows of a part, and the position after them."""

    rows: Sequence[Row]
    position: str


class Source(ABC):
    """A foreign deployment; use it with `async with`.

    Args:
        location: Where it is: a folder, an address. It may hold a password, and is never shown.
        options: Of those that `SourceInfo.options` names.
    """

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        self.location = location
        self.options = options

    async def __aenter__(self) -> Self:
        """Open it."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    @abstractmethod
    async def open(self) -> None:
        """Find out what is there, without changing anything.

        Raises:
            ConfigError: It is no such deployment, or one that cannot be read whole.
        """

    async def close(self) -> None:  # noqa: B027  not every source holds something
        """Let go of it."""

    @abstractmethod
    def specs(self) -> Sequence[StoreSpec]:
        """Return the stores that take its rows."""

    @abstractmethod
    def parts(self) -> Sequence[SourcePart]:
        """Return its parts, in the order in which they are written."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a text that differs once what is there has changed."""

    @abstractmethod
    def read(self, part: SourcePart, after: str | None, batch: int) -> AsyncIterator[SourceBatch]:
        """Yield the rows of a part behind a position, in batches of about `batch` rows."""
