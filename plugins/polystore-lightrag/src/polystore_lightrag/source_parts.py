"""What reads LightRAG's data has to tell, wherever that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from polystore.sources import SourceBatch, SourcePart


class Parts(ABC):
    """A deployment of LightRAG; the methods mean what those of `polystore.sources.Source` do."""

    def __init__(self, location: str, options: Mapping[str, str]) -> None:
        self.location = location
        self.options = options

    @abstractmethod
    async def open(self) -> None:
        """Find out what is there."""

    async def close(self) -> None:  # noqa: B027  files need none
        """Let go of it."""

    @abstractmethod
    def parts(self) -> Sequence[SourcePart]:
        """Return the parts."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a text that differs once what is there has changed."""

    @abstractmethod
    def read(self, part: SourcePart, after: str | None, batch: int) -> AsyncIterator[SourceBatch]:
        """Yield the rows of a part behind a position."""
