"""Tables in layers: what a transaction, and each write in it, changes before it is committed.

A layer holds only what was changed on top of its base. Leaving it out undoes everything at once;
absorbing it into its base commits in time proportional to the changes, not to the data.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from polystore_memory.rows import Row
from polystore_memory.sorted_keys import K, SortedKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

R = TypeVar("R", bound=Row)


class Table(Generic[K, R]):
    """Rows by key, in order of key.

    Args:
        base: What this is a layer on, and which must not change meanwhile; None for none.
    """

    def __init__(self, base: Table[K, R] | None = None) -> None:
        self.base = base
        self.revision = 0
        self._rows: dict[K, R | None] = {}  # None, in layers only: removed from the base
        self._keys: SortedKeys[K] = SortedKeys()
        self._size = 0 if base is None else len(base)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._size

    def get(self, key: K) -> R | None:
        """Return the row of `key`, or None."""
        if self.base is None or key in self._rows:
            return self._rows.get(key)
        return self.base.get(key)

    def put(self, key: K, row: R) -> None:
        """Store `row`, replacing what was there."""
        self._size += self.get(key) is None
        self._set(key, row)

    def remove(self, key: K) -> bool:
        """Remove the row of `key`; return whether there was one."""
        if self.get(key) is None:
            return False
        self._size -= 1
        if self.base is not None:
            self._set(key, None)
        else:
            self.revision += 1
            del self._rows[key]
            self._keys.remove(key)
        return True

    def keys(self, start: K | None) -> Iterator[K]:
        """Yield the keys from `start` on, in order; in a layer also those that it removes."""
        own = self._keys.starting(start)
        if self.base is None:
            return own
        below = (key for key in self.base.keys(start) if key not in self._rows)
        return heapq.merge(below, own)

    def items(self, start: K | None = None) -> Iterator[tuple[K, R]]:
        """Yield keys and rows in order of key, from `start` on. Not to be changed meanwhile."""
        for key in self.keys(start):
            row = self.get(key)
            if row is not None:
                yield key, row

    def changes(self) -> Iterator[tuple[K, R | None]]:
        """Yield what this layer itself holds, in no order; None for a row that it removes."""
        yield from self._rows.items()

    def absorb(self, layer: Table[K, R]) -> None:
        """Make the changes of a layer on this table its own."""
        for key, row in layer.changes():
            if row is None:
                self.remove(key)
            else:
                self.put(key, row)

    def _set(self, key: K, row: R | None) -> None:
        self.revision += 1
        if key not in self._rows:
            self._keys.add(key)
        self._rows[key] = row


class TableKey(NamedTuple):
    """Whose rows a table holds: one part of one store in one workspace."""

    store: str
    generation: int
    workspace: str
    part: str


class Tables:
    """All tables; or a layer on them.

    Args:
        base: What this is a layer on; None for none.
    """

    def __init__(self, base: Tables | None = None) -> None:
        self._base = base
        self._tables: dict[TableKey, Table[Any, Any]] = {}

    def table(self, key: TableKey) -> Table[Any, Any]:
        """Return a table for reading; an empty one if there is none."""
        found = self._tables.get(key)
        if found is not None:
            return found
        return Table() if self._base is None else self._base.table(key)

    def writable(self, key: TableKey) -> Table[Any, Any]:
        """Return a table for reading and writing."""
        if key not in self._tables:
            self._tables[key] = Table(None if self._base is None else self._base.table(key))
        return self._tables[key]

    def absorb(self, layer: Tables) -> None:
        """Make the changes of a layer on these tables their own."""
        for key, changes in layer.items():
            table = self.writable(key)
            table.absorb(changes)
            if not table and self._base is None:
                # A workspace that has nothing costs nothing.
                del self._tables[key]

    def forget(self, store: str, generation: int) -> None:
        """Let go of the tables of a generation of a store."""
        for key in self._of(store, generation):
            del self._tables[key]

    def rename(self, store: str, name: str, generation: int) -> None:
        """Let the tables of a generation of a store belong to `name` from now on."""
        for key in self._of(store, generation):
            self._tables[key._replace(store=name)] = self._tables.pop(key)

    def _of(self, store: str, generation: int) -> list[TableKey]:
        return [key for key in self._tables if key[:2] == (store, generation)]

    def items(self) -> Iterator[tuple[TableKey, Table[Any, Any]]]:
        """Yield the tables that this layer itself has."""
        yield from self._tables.items()
