"""The canonical JSON form of a filter, for storage and for the wire; an exact round trip.

`{"op": "eq", "path": "a.b", "value": 1}`, `{"op": "in", "path": ..., "values": [...]}`,
`{"op": "starts_with", "path": ..., "prefix": "x"}`, `{"op": "exists", "path": ...}`,
`{"op": "and", "items": [...]}`, `{"op": "not", "item": {...}}`. Paths are in their text form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from typing_extensions import override

from polystore.errors import InvalidFilter
from polystore.filters.ast import (
    MAX_DEPTH,
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
from polystore.filters.path import Path, parse_path
from polystore.filters.suggest import nearest
from polystore.filters.visitor import Visitor
from polystore.types.json_domain import shorten


def to_json(filter_: Filter) -> dict[str, Any]:
    """Return `filter_` as JSON values, from which `from_json` makes an equal one."""
    return _Writer().visit(filter_)


def from_json(obj: object) -> Filter:
    """Return the filter that `to_json` wrote as `obj`.

    Raises:
        InvalidFilter: `to_json` writes nothing like it.
    """
    return _read(obj, 1)


class _Writer(Visitor[dict[str, Any]]):
    @override
    def visit_compare(self, node: Compare) -> dict[str, Any]:
        return {"op": node.op, "path": str(node.path), "value": node.value}

    @override
    def visit_in(self, node: In) -> dict[str, Any]:
        return {"op": "in", "path": str(node.path), "values": list(node.values)}

    @override
    def visit_exists(self, node: Exists) -> dict[str, Any]:
        return {"op": "exists", "path": str(node.path)}

    @override
    def visit_is_null(self, node: IsNull) -> dict[str, Any]:
        return {"op": "is_null", "path": str(node.path)}

    @override
    def visit_contains_any(self, node: ContainsAny) -> dict[str, Any]:
        return {"op": "contains_any", "path": str(node.path), "values": list(node.values)}

    @override
    def visit_contains_all(self, node: ContainsAll) -> dict[str, Any]:
        return {"op": "contains_all", "path": str(node.path), "values": list(node.values)}

    @override
    def visit_starts_with(self, node: StartsWith) -> dict[str, Any]:
        return {"op": "starts_with", "path": str(node.path), "prefix": node.prefix}

    @override
    def visit_and(self, node: And) -> dict[str, Any]:
        return {"op": "and", "items": [self.visit(item) for item in node.items]}

    @override
    def visit_or(self, node: Or) -> dict[str, Any]:
        return {"op": "or", "items": [self.visit(item) for item in node.items]}

    @override
    def visit_not(self, node: Not) -> dict[str, Any]:
        return {"op": "not", "item": self.visit(node.item)}


_Make: TypeAlias = Callable[[Mapping[str, Any], int], Filter]


def _compare(obj: Mapping[str, Any], _depth: int) -> Filter:
    return Compare(_path(obj), obj["op"], obj["value"])


def _many(kind: type[In | ContainsAny | ContainsAll]) -> _Make:
    return lambda obj, _depth: kind(_path(obj), obj["values"])


def _group(kind: type[And | Or]) -> _Make:
    def make(obj: Mapping[str, Any], depth: int) -> Filter:
        items = obj["items"]
        if not isinstance(items, list):
            raise InvalidFilter(f"the items of {obj['op']} are not a list")
        return kind(tuple(_read(item, depth + 1) for item in cast("list[object]", items)))

    return make


_COMPARE: Final = (("path", "value"), _compare)
_FORMS: Final[dict[str, tuple[tuple[str, ...], _Make]]] = {
    "eq": _COMPARE,
    "gt": _COMPARE,
    "gte": _COMPARE,
    "lt": _COMPARE,
    "lte": _COMPARE,
    "in": (("path", "values"), _many(In)),
    "contains_any": (("path", "values"), _many(ContainsAny)),
    "contains_all": (("path", "values"), _many(ContainsAll)),
    "exists": (("path",), lambda obj, _: Exists(_path(obj))),
    "is_null": (("path",), lambda obj, _: IsNull(_path(obj))),
    "starts_with": (("path", "prefix"), lambda obj, _: StartsWith(_path(obj), obj["prefix"])),
    "and": (("items",), _group(And)),
    "or": (("items",), _group(Or)),
    "not": (("item",), lambda obj, depth: Not(_read(obj["item"], depth + 1))),
}


def _read(obj: object, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"the filter is nested more than {MAX_DEPTH} deep")
    if not isinstance(obj, Mapping):
        raise InvalidFilter(f"a {type(obj).__name__} stands where a filter's object belongs")
    node = cast("Mapping[str, Any]", obj)
    op = node.get("op")
    form = _FORMS.get(op) if isinstance(op, str) else None
    if form is None:
        raise InvalidFilter(
            f"{shorten(str(op))} is no operator of the JSON form{nearest(str(op), _FORMS)}",
            hint=f"They are {', '.join(_FORMS)}",
        )
    keys, make = form
    if set(node) != {"op", *keys}:
        raise InvalidFilter(
            f"the object of operator {op} has not exactly the keys {', '.join(('op', *keys))}",
            hint="Use to_json to write filters, or parse_filter to read the friendly form",
        )
    return make(node, depth)


def _path(obj: Mapping[str, Any]) -> Path:
    path = obj["path"]
    if not isinstance(path, str):
        raise InvalidFilter(f"the path of operator {obj['op']} is not text")
    return parse_path(path)
