"""A store that moves to another generation, and functions that embed its texts, well and badly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.testing.backend.base import freshest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore.client import Polystore
    from polystore.schema.generations import Generations
    from polystore.stores.vector import VectorStore
    from polystore.types.records import VectorRecord

OLD: Final = {"kind": "vector", "dimensions": 3, "fields": {"n": "integer"}}
NEW: Final = {"kind": "vector", "dimensions": 5, "fields": {"n": "integer"}}


def embed(texts: list[str]) -> list[list[float]]:
    """Return a vector of the new dimensions for each text, which tells it from others."""
    return [[1.0, len(text), *map(float, text.encode()[:3].ljust(3))] for text in texts]


def too_short(texts: list[str]) -> list[list[float]]:
    """Return vectors of other dimensions."""
    return [[1.0, 2.0] for _ in texts]


def too_few(texts: list[str]) -> list[list[float]]:
    """Return a vector less than there are texts."""
    return embed(texts)[1:]


def not_finite(texts: list[str]) -> list[list[float]]:
    """Return vectors that are none."""
    return [[float("nan")] * 5 for _ in texts]


def nothing(texts: list[str]) -> None:
    """Return nothing at all."""


def as_numbers(record: VectorRecord) -> list[float]:
    """Return the vector of a record that was read with it."""
    assert record.vector is not None
    return [float(number) for number in record.vector]


@dataclass
class Moving:
    """A store that moves to another generation.

    Attributes:
        name: The store.
        workspaces: Two that have data.
        old: The client that has it open as it was declared before.
        new: The client that has the new declaration, which does not serve yet.
    """

    name: str
    workspaces: tuple[str, str]
    old: Polystore
    new: Polystore

    @property
    def generations(self) -> Generations:
        """What there is to do with it."""
        return self.new.generations(self.name)

    def before(self, number: int = 0) -> VectorStore:
        """Return the store as it was declared before, in a workspace."""
        return self.old.workspace(self.workspaces[number]).vector(self.name)

    async def contents(self, client: Polystore, number: int = 0) -> dict[str, VectorRecord]:
        """Return what a client finds in a workspace, by id."""
        store = await freshest(client.workspace(self.workspaces[number]).vector(self.name))
        return {record.id: record async for record in store.scan(with_vectors=True)}


def facts(records: Mapping[str, VectorRecord]) -> dict[str, tuple[Any, ...]]:
    """Return all that records are but their vectors."""
    return {
        id_: (one.text, one.metadata, one.version, one.created_at, one.updated_at)
        for id_, one in records.items()
    }
