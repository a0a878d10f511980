"""Small things that every handle does with what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from polystore.errors import InvalidRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


def last_positions(keys: Sequence[object]) -> list[int] | None:
    """Return the positions that remain when of equal keys the last wins; None if all differ."""
    if len(set(keys)) == len(keys):
        return None
    last = {key: position for position, key in enumerate(keys)}
    return sorted(last.values())


def split(sizes: Sequence[int], *, rows: int, size: int) -> list[range]:
    """Return consecutive ranges of at most `rows` rows and `size` bytes (but at least one row)."""
    ranges: list[range] = []
    start = total = 0
    for position, row in enumerate(sizes):
        if position > start and (position - start >= rows or total + row > size):
            ranges.append(range(start, position))
            start, total = position, 0
        total += row
    if sizes:
        ranges.append(range(start, len(sizes)))
    return ranges


def pick(column: list[T], positions: Sequence[int]) -> list[T]:
    """Return the elements of `column` at `positions`."""
    return [column[position] for position in positions]


def pairs_of(items: Mapping[str, T] | Iterable[tuple[str, T]]) -> Iterable[tuple[str, T]]:
    """Return the pairs that a mapping has, or that were given."""
    if isinstance(items, Mapping):
        return cast("Mapping[str, T]", items).items()
    return items


def json_object(value: object, *, what: str) -> dict[str, Any]:
    """Return `value`, which must be a dict.

    Raises:
        InvalidRecord: It is not.
    """
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise InvalidRecord(
        f"{what} is a {type(value).__name__}, not a JSON object", hint="Store a dict"
    )
