"""Declared fields: kept beside a node's properties, in the order that all engines have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from polystore.filters import (
    And,
    Compare,
    ContainsAll,
    ContainsAny,
    Filter,
    In,
    IsNull,
    Path,
    StartsWith,
)
from polystore.types.sortkey import (
    CLASS_NULL,
    MISSING,
    class_range,
    is_truncated,
    sort_key,
    string_range,
)
from polystore_neo4j.statements import field_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from polystore.specs import GraphSpec

_LABELS: Final = Path(("labels",), meta=True)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a statement can ask of a node `n`; may hold of more nodes than a filter, not of fewer.

    Attributes:
        text: In Cypher; `{}` stands for what the names of its parameters begin with.
        values: Its parameters.
        field: The declared field that it is about, by position; None if it is about none.
        points: How many values the field may have; 0 for a range.
        exact: Whether it holds only where the part of the filter does.
    """

    text: str
    values: tuple[Any, ...]
    field: int | None = None
    points: int = 0
    exact: bool = True


class Fields:
    """The declared fields of a store. More may be declared later, behind the ones there are.

    Args:
        spec: The store.
    """

    def __init__(self, spec: GraphSpec) -> None:
        self.paths = spec.indexed_paths()

    def of(self, properties: Mapping[str, Any]) -> list[str | None]:
        """Return what a node keeps: a text that sorts as the value does, None where it has none."""
        return [_kept(_value_at(properties, path.parts)) for path in self.paths]

    def conditions(self, filter_: Filter) -> tuple[list[Condition], bool]:
        """Return what can be asked of the server, and whether that is all of the filter."""
        parts = list(_conjuncts(filter_))
        found = [one for one in map(self._condition, parts) if one is not None]
        return found, len(found) == len(parts) and all(one.exact for one in found)

    def _condition(self, part: Filter) -> Condition | None:
        if isinstance(part, ContainsAny | ContainsAll) and part.path == _LABELS:
            every = "all" if isinstance(part, ContainsAll) else "any"
            return Condition(f"{every}(x IN ${{}}0 WHERE x IN n.labels)", (list(part.values),))
        if not isinstance(part, Compare | In | IsNull | StartsWith) or part.path not in self.paths:
            return None
        position = self.paths.index(part.path)
        name = f"n.{field_name(position)}"
        keys = _points(part)
        if keys is not None:
            exact = not any(map(is_truncated, keys))
            values = [key.hex() for key in keys]
            if len(values) == 1:
                return Condition(f"{name} = ${{}}0", (values[0],), position, 1, exact)
            return Condition(f"{name} IN ${{}}0", (values,), position, len(values) or 1, exact)
        low, high = _range(cast("Compare | StartsWith", part))
        text = f"{name} >= ${{}}0 AND {name} < ${{}}1"
        # Keys of strings may be cut, and a bound of numbers holds what equals it.
        return Condition(text, (low.hex(), high.hex()), position, exact=False)


def _kept(value: Any) -> str | None:
    return None if value is MISSING else sort_key(value).hex()


def _value_at(properties: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    value: Any = properties
    for part in parts:
        if not isinstance(value, dict):
            return MISSING
        value = cast("dict[str, Any]", value).get(part, MISSING)
    return value


def _conjuncts(filter_: Filter) -> Iterator[Filter]:
    """Yield conditions that all have to hold; together they are the filter."""
    if isinstance(filter_, And):
        for item in filter_.items:
            yield from _conjuncts(item)
    else:
        yield filter_


def _points(part: Filter) -> list[bytes] | None:
    """Return the sort keys of which a field has one; None where they lie in a range."""
    if isinstance(part, IsNull):
        return [CLASS_NULL]
    if isinstance(part, In):
        return sorted({sort_key(value) for value in part.values})
    if isinstance(part, Compare) and part.op == "eq":
        return [sort_key(part.value)]
    return None


def _range(part: Compare | StartsWith) -> tuple[bytes, bytes]:
    """Return the lowest sort key that may match and the first one above all that do."""
    if isinstance(part, StartsWith):
        return string_range(part.prefix)
    key = sort_key(part.value)
    low, high = class_range(key)
    # A key that is cut stands for longer strings too, on either side of the value.
    return (key, high) if part.op in {"gt", "gte"} else (low, key + b"\x00")
