"""What a filter says about one field, as ranges of its sort keys.

Ranges may hold more than matches, never less: what they lead to is compared once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from polystore.filters import And, Compare, Filter, In, IsNull, Path, StartsWith
from polystore.types.sortkey import (
    CLASS_NULL,
    class_range,
    is_truncated,
    sort_key,
    string_range,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Bounds = tuple[bytes, bytes]
"""The lowest key and the first one above."""

_MOST: Final = 200
"""Ranges of one filter; more are read as one walk."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where matching sort keys lie.

    Attributes:
        bounds: In order, apart from one another.
        equal: Whether each is one key.
        exact: Whether a key in them always matches.
    """

    bounds: tuple[Bounds, ...]
    equal: bool
    exact: bool


def conjuncts(filter_: Filter | None) -> Iterator[Filter]:
    """Yield conditions that all have to hold; together they are the filter."""
    if isinstance(filter_, And):
        for item in filter_.items:
            yield from conjuncts(item)
    elif filter_ is not None:
        yield filter_


def ranges_of(condition: Filter, path: Path) -> Ranges | None:
    """Return where the sort keys of `path` lie if `condition` holds; None if it does not say."""
    if isinstance(condition, IsNull) and condition.path == path:
        return _points([CLASS_NULL])
    if isinstance(condition, In) and condition.path == path:
        keys = sorted({sort_key(value) for value in condition.values})
        return _points(keys) if len(keys) <= _MOST else None
    if isinstance(condition, StartsWith) and condition.path == path:
        return Ranges((string_range(condition.prefix),), equal=False, exact=False)
    if isinstance(condition, Compare) and condition.path == path:
        return _compared(condition)
    return None


def _compared(condition: Compare) -> Ranges:
    key = sort_key(condition.value)
    if condition.op == "eq":
        return _points([key])
    low, high = class_range(key)
    # A key that is cut stands for longer strings too, on either side of the value.
    if condition.op in {"gt", "gte"}:
        low = key
    else:
        high = key + b"\x00"
    return Ranges(((low, high),), equal=False, exact=False)


def _points(keys: list[bytes]) -> Ranges:
    bounds = tuple((key, key + b"\x00") for key in keys)
    return Ranges(bounds, equal=True, exact=not any(map(is_truncated, keys)))
