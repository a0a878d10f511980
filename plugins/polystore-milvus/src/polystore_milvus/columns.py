"""The fields of a collection, and filters on those that hold system fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from polystore.types.json_domain import parse_datetime
from polystore_milvus.expressions import literal, literals, starting_with
from polystore_milvus.times import microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import CompareOp, Path, Scalar

Condition: TypeAlias = str | bool
"""An expression in parentheses, or what it would be for every row."""

KEY: Final = "pk"
"""Primary key: workspace and id in one."""
WORKSPACE: Final = "workspace"
ID: Final = "id"
VECTOR: Final = "vector"
TEXT: Final = "text"
METADATA: Final = "metadata"
"""The metadata's exact JSON text; reads come from it."""
FACTS: Final = "facts"
"""What filters look at, made of the metadata (`metadata.py`)."""
VERSION: Final = "version"
CREATED: Final = "created_at"
UPDATED: Final = "updated_at"

SIGNS: Final[dict[CompareOp, str]] = {"eq": "==", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

_SET: Final = frozenset({ID, VERSION, CREATED, UPDATED})
"""System fields that a vector record has; the others (expires_at, labels) are never set."""
_MOST: Final = 2**62
"""Versions and times are whole numbers from 0 on; none ever comes near this one."""


def is_set(path: Path) -> bool:
    """Return whether records have the system field `path`."""
    return path.parts[0] in _SET


def compare(path: Path, op: CompareOp, value: Scalar) -> Condition:
    """Return the condition that the system field `path` stands so to `value`."""
    if not is_set(path):
        return False
    name = path.parts[0]
    if name == ID:
        return f"({name} {SIGNS[op]} {literal(cast('str', value))})"
    return _compare_number(name, op, _number(path, value))


def one_of(path: Path, values: Sequence[Scalar]) -> Condition:
    """Return the condition that the system field `path` is one of `values`."""
    if not is_set(path) or not values:
        return False
    name = path.parts[0]
    if name == ID:
        return f"({name} in {literals(cast('Sequence[str]', values))})"
    numbers = [_number(path, value) for value in values]
    possible = [str(int(number)) for number in numbers if 0 <= number < _MOST and number % 1 == 0]
    return f"({name} in [{', '.join(possible)}])" if possible else False


def prefixed(path: Path, prefix: str) -> Condition:
    """Return the condition that the system field `path` starts with `prefix`."""
    return f"({starting_with(path.parts[0], prefix)})"


def _number(path: Path, value: Scalar) -> int | float:
    if path.system_kind == "datetime":
        return microseconds(parse_datetime(cast("str", value)))
    return cast("int | float", value)


def _compare_number(name: str, op: CompareOp, value: float) -> Condition:
    """Return a comparison of a whole number from 0 on, exact also with a fraction."""
    if not 0 <= value < _MOST:
        return op in {"gt", "gte"} if value < 0 else op in {"lt", "lte"}
    if op == "eq" and value % 1:
        return False
    bound = math.floor(value) if op in {"gt", "lte"} else math.ceil(value)
    return f"({name} {SIGNS[op]} {bound})"
