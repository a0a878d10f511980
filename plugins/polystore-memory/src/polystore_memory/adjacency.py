"""The edges of a graph, found by either end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from polystore.types.records import EdgeKey
from polystore_memory.rows import Row
from polystore_memory.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polystore.types.batches import Direction
    from polystore_memory.space import Write

Edges: TypeAlias = Table[tuple[str, str, str], Row]


class Adjacency:
    """Every edge twice, in two tables that share the rows.

    Args:
        out: By (source, type, target).
        into: By (target, type, source).
    """

    def __init__(self, out: Edges, into: Edges) -> None:
        self._out = out
        self._in = into

    def put(self, key: EdgeKey, text: bytes, write: Write) -> None:
        """Store an edge, replacing its properties."""
        old = self._out.get(key)
        row = Row(
            json=text,
            version=write.version,
            created_at=write.now if old is None else old.created_at,
            updated_at=write.now,
        )
        self._out.put(key, row)
        self._in.put(_turned(key), row)

    def remove(self, key: EdgeKey) -> bool:
        """Remove an edge; return whether it was there."""
        self._in.remove(_turned(key))
        return self._out.remove(key)

    def of(
        self, id_: str, direction: Direction, types: list[str] | None
    ) -> list[tuple[EdgeKey, Row]]:
        """Return the edges of a node in order of key, a self-loop once."""
        found: dict[EdgeKey, Row] = {}
        if direction != "in":
            found |= {EdgeKey(*key): row for key, row in _at(self._out, id_, types)}
        if direction != "out":
            found |= {EdgeKey(*_turned(key)): row for key, row in _at(self._in, id_, types)}
        return sorted(found.items(), key=lambda item: item[0])

    def degree(self, id_: str, direction: Direction) -> int:
        """Return how many edges a node has; over both directions a self-loop counts twice."""
        out = 0 if direction == "in" else sum(1 for _ in _at(self._out, id_, None))
        into = 0 if direction == "out" else sum(1 for _ in _at(self._in, id_, None))
        return out + into


def _turned(key: tuple[str, str, str]) -> tuple[str, str, str]:
    return key[2], key[1], key[0]


def _at(
    table: Edges, id_: str, types: list[str] | None
) -> Iterator[tuple[tuple[str, str, str], Row]]:
    """Yield the edges whose first part is `id_`; types are distinct."""
    wanted = None if types is None else set(types)
    for key, row in table.items((id_, "", "")):
        if key[0] != id_:
            return
        if wanted is None or key[1] in wanted:
            yield key, row
