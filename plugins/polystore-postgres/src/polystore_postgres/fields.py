"""Declared fields: each has a column with the portable sort key of its value.

The key is computed here, when a row is written, so that a btree on the column has the one order
of all engines, and filters, sorts, pages and counts on the field need nothing but the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from polystore.types.sortkey import CLASS_MISSING, sort_key
from polystore_postgres.names import key_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from polystore.filters import Path


def columns_for(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the key column of each path, in order; system fields have columns of their own."""
    return {path: key_column(path) for path in paths if not path.meta}


class KeyColumns:
    """The key columns of one table.

    Attributes:
        columns: The name of each path's column, in order.
        names: These names.
    """

    __slots__ = ("_getters", "columns", "names")

    def __init__(self, paths: Iterable[Path]) -> None:
        self.columns = columns_for(paths)
        self.names = list(self.columns.values())
        self._getters = [_getter(path.parts) for path in self.columns]

    def keys_for(self, objects: Iterable[Mapping[str, Any]]) -> list[list[bytes]]:
        """Return, for each column in order, the sort key of every object.

        Args:
            objects: Gone through once, and not at all where there are no columns.
        """
        if not self._getters:
            return []
        items = list(objects)
        return [[getter(item) for item in items] for getter in self._getters]


def _getter(parts: tuple[str, ...]) -> Callable[[Mapping[str, Any]], bytes]:
    if len(parts) == 1:
        return _top_level(parts[0])

    def nested(item: Mapping[str, Any]) -> bytes:
        value: object = item
        for part in parts:
            if not isinstance(value, dict) or part not in value:
                return CLASS_MISSING
            value = cast("dict[str, object]", value)[part]
        return sort_key(value)

    return nested


def _top_level(key: str) -> Callable[[Mapping[str, Any]], bytes]:
    def top(item: Mapping[str, Any]) -> bytes:
        return sort_key(item[key]) if key in item else CLASS_MISSING

    return top
