"""Small things that every handle does with what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from polystore.errors import InvalidRecord
from polystore.types.batches import Decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from _typeshed import DataclassInstance
    from numpy.typing import NDArray

T = TypeVar("T")
K = TypeVar("K", bound="Hashable")
R = TypeVar("R")
B = TypeVar("B", bound="DataclassInstance")


def last_positions(keys: Sequence[object]) -> list[int] | None:
    """Return the positions that remain when of equal keys the last wins; None if all differ."""
    if len(set(keys)) == len(keys):
        return None
    last = {key: position for position, key in enumerate(keys)}
    return sorted(last.values())


def by_key(keys: list[str]) -> Sequence[int]:
    """Return the positions of `keys` in their order, by code point."""
    if keys == sorted(keys):
        return range(len(keys))
    return sorted(range(len(keys)), key=keys.__getitem__)


def split(sizes: Sequence[int], *, rows: int, size: int) -> list[range]:
    """Return consecutive ranges of at most `rows` rows and `size` bytes (but at least one row)."""
    ranges: list[range] = []
    start = 0
    while start < len(sizes):
        stop = min(start + rows, len(sizes))
        if sum(sizes[start:stop]) > size:
            total = 0
            for position in range(start, stop):
                total += sizes[position]
                if total > size and position > start:
                    stop = position
                    break
        ranges.append(range(start, stop))
        start = stop
    return ranges


def pick(column: list[T], positions: Sequence[int]) -> list[T]:
    """Return the elements of `column` at `positions`."""
    if isinstance(positions, range) and positions.step == 1:
        return column[positions.start : positions.stop]
    return [column[position] for position in positions]


def columns_of(
    items: Mapping[str, T] | Iterable[tuple[str, T]],
) -> tuple[list[str], Iterable[T]]:
    """Return the keys and the values that a mapping has, or that pairs were given of.

    Of pairs, a key is among the keys when its value is reached, as they may come one at a time.

    Raises:
        InvalidRecord: It is text, of which two characters would pass for a pair.
    """
    if isinstance(items, str | bytes):
        raise InvalidRecord(
            f"expected pairs, got one {type(items).__name__}", hint="Use a dict, or [(key, value)]"
        )
    if isinstance(items, Mapping):
        mapping = cast("Mapping[str, T]", items)
        # Not by way of pairs: so many new tuples would set off the collection of garbage.
        return list(mapping), mapping.values()
    keys: list[str] = []
    return keys, _values(items, keys)


def _values(pairs: Iterable[tuple[str, T]], keys: list[str]) -> Iterator[T]:
    for key, value in pairs:
        keys.append(key)
        yield value


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


def json_objects(values: Iterable[T], what: Callable[[int], str]) -> Iterator[T]:
    """Yield `values`, each of which must be a dict; `what` says how errors name one of a row.

    Raises:
        InvalidRecord: One is not.
    """
    for row, value in enumerate(values):
        if not isinstance(value, dict):
            json_object(value, what=what(row))
        yield value


def spread(distinct: Sequence[K], answers: list[R], asked: Sequence[K]) -> list[R]:
    """Return an answer per element of `asked`, given those of the `distinct` ones.

    Who asks for the same key gets a copy: answers can be changed, and belong to one caller.
    """
    if len(distinct) == len(asked):
        return answers
    by_key = dict(zip(distinct, answers, strict=True))
    given: set[K] = set()
    result: list[R] = []
    for key in asked:
        result.append(deepcopy(by_key[key]) if key in given else by_key[key])
        given.add(key)
    return result


def take(batch: B, rows: Sequence[int]) -> B:
    """Return the given rows of a batch, each of whose fields is a column, in the given order."""
    columns = [getattr(batch, column.name) for column in fields(batch)]
    if rows == range(len(columns[0])):
        return batch
    return type(batch)(*(_take_column(column, rows) for column in columns))


def join(batches: Sequence[B]) -> B:
    """Return the rows of several batches as one."""
    first = batches[0]
    if len(batches) == 1:
        return first
    names = [column.name for column in fields(first)]
    sizes = [len(getattr(batch, names[0])) for batch in batches]
    columns = ([getattr(batch, name) for batch in batches] for name in names)
    return type(first)(*(_join_column(parts, sizes) for parts in columns))


def _take_column(column: Any, rows: Sequence[int]) -> Any:
    if column is None:
        return None
    if isinstance(column, np.ndarray):
        matrix = cast("NDArray[np.float32]", column)
        if isinstance(rows, range) and rows.step == 1:
            return matrix[rows.start : rows.stop]
        return np.ascontiguousarray(matrix[list(rows)])
    if isinstance(column, Decoded):
        return Decoded(pick(column.texts, rows))
    return pick(column, rows)


def _join_column(parts: list[Any], sizes: list[int]) -> Any:
    if all(part is None for part in parts):
        return None
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    if isinstance(parts[0], Decoded):
        return Decoded([text for part in parts for text in part.texts])
    # A column that is not there stands for None in every row.
    filled = (
        [None] * size if part is None else part for part, size in zip(parts, sizes, strict=True)
    )
    return [value for part in filled for value in part]
