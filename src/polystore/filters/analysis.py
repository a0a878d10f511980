"""What can be told of a filter without any document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from polystore.filters.ast import (
    And,
    Compare,
    ContainsAll,
    ContainsAny,
    Exists,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    StartsWith,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polystore.filters.path import Path

OPERATORS: Final = (
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "nin",
    "exists",
    "is_null",
    "contains",
    "contains_any",
    "contains_all",
    "starts_with",
    "and",
    "or",
    "not",
)
"""The public name of every operator, for capabilities and error messages."""


_Leaf: TypeAlias = Compare | In | Exists | IsNull | ContainsAny | ContainsAll | StartsWith

_NAMES: Final[dict[type[Filter], str]] = {
    In: "in",
    Exists: "exists",
    IsNull: "is_null",
    ContainsAny: "contains_any",
    ContainsAll: "contains_all",
    StartsWith: "starts_with",
    And: "and",
    Or: "or",
    Not: "not",
}


def operators(filter_: Filter) -> frozenset[str]:
    """Return the names, out of `OPERATORS`, of the operators that `filter_` uses.

    `Not` of eq counts as ne, `Not` of in as nin, and `ContainsAll` of one value as contains.
    """
    return frozenset(_name(node) for node in _nodes(filter_, _items_but_negated))


def paths(filter_: Filter) -> frozenset[Path]:
    """Return the path of every field that `filter_` looks at."""
    return frozenset(node.path for node in _nodes(filter_, _items) if isinstance(node, _Leaf))


def constant(filter_: Filter) -> bool | None:
    """Return whether the structure alone decides `filter_`: true or false for every document."""
    if isinstance(filter_, Not):
        inner = constant(filter_.item)
        return None if inner is None else not inner
    if isinstance(filter_, And | Or):
        decisive = isinstance(filter_, Or)  # one such item is enough
        results = {constant(item) for item in filter_.items}
        if decisive in results:
            return decisive
        return None if None in results else not decisive
    if isinstance(filter_, In | ContainsAny) and not filter_.values:
        return False
    return None


def is_trivial(filter_: Filter) -> bool:
    """Return whether `filter_` matches everything by its structure alone, as `And(())` does."""
    return constant(filter_) is True


def _nodes(filter_: Filter, items_of: Callable[[Filter], tuple[Filter, ...]]) -> Iterator[Filter]:
    unseen = [filter_]
    while unseen:
        node = unseen.pop()
        yield node
        unseen.extend(items_of(node))


def _items(node: Filter) -> tuple[Filter, ...]:
    if isinstance(node, And | Or):
        return node.items
    return (node.item,) if isinstance(node, Not) else ()


def _items_but_negated(node: Filter) -> tuple[Filter, ...]:
    return () if _negated(node) else _items(node)


def _negated(node: Filter) -> str | None:
    """Return the name of a node that has one together with its `Not`."""
    if isinstance(node, Not) and isinstance(node.item, In):
        return "nin"
    if isinstance(node, Not) and isinstance(node.item, Compare) and node.item.op == "eq":
        return "ne"
    return None


def _name(node: Filter) -> str:
    if isinstance(node, Compare):
        return node.op
    if isinstance(node, ContainsAll) and len(node.values) == 1:
        return "contains"
    return _negated(node) or _NAMES[type(node)]
