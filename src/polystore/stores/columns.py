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
    from collections.abc import Hashable, Iterable, Sequence

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
    """Return the pairs that a mapping has, or that were given.

    Raises:
        InvalidRecord: It is text, of which two characters would pass for a pair.
    """
    if isinstance(items, str | bytes):
        raise InvalidRecord(
            f"expected pairs, got one {type(items).__name__}", hint="Use a dict, or [(key, value)]"
        )
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
    """Return the given rows of a batch, each of whose fields is a column."""
    columns = [getattr(batch, column.name) for column in fields(batch)]
    if len(rows) == len(columns[0]):
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
