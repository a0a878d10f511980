"""The one order of rows: by sort keys, then by id; for engines that sort in the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.types.sortkey import MISSING, sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from polystore.filters import Path
    from polystore.stores.queries import Sort
    from polystore.types.records import Document

Keyed = tuple[tuple[bytes, ...], str]
"""Sort keys and id of a row."""


def value_at(path: Path, data: Mapping[str, Any], meta: Mapping[str, Any]) -> Any:
    """Return the value at `path`, or MISSING."""
    value: Any = meta if path.meta else data
    for part in path.parts:
        if not isinstance(value, dict) or part not in value:
            return MISSING
        value = value[part]  # pyright: ignore[reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]


def document_meta(document: Document) -> dict[str, Any]:
    """Return the system fields of a document, as filters and sorts name them."""
    return {
        "id": document.id,
        "version": document.version,
        "created_at": document.created_at,
        "updated_at": document.updated_at,
    }


def row_keys(sort: Iterable[Sort], document: Document) -> tuple[bytes, ...]:
    """Return the sort keys of a document."""
    meta = document_meta(document)
    return tuple(sort_key(value_at(part.path, document.data, meta)) for part in sort)


def in_order(rows: Iterable[Keyed], sort: tuple[Sort, ...]) -> list[Keyed]:
    """Return `rows` in order; each key ascending or descending as `sort` says, ids ascending."""
    ordered = sorted(rows, key=lambda row: row[1])
    for position in range(len(sort) - 1, -1, -1):
        # The sort is stable, so the least significant key goes first.
        ordered.sort(key=lambda row, p=position: row[0][p], reverse=sort[position].descending)
    return ordered


def comes_after(row: Keyed, position: Keyed, sort: tuple[Sort, ...]) -> bool:
    """Return whether `row` comes after `position` in the order."""
    for part, mine, other in zip(sort, row[0], position[0], strict=True):
        if mine != other:
            return (mine > other) is not part.descending
    return row[1] > position[1]
