"""Filters and sort keys as SQL; values are parameters, paths are quoted literals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from polystore.filters import Visitor
from polystore.types.json_domain import encode_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import (
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
        Path,
        Scalar,
        StartsWith,
    )

_SYSTEM = {
    "id": ("'text'", "id"),
    "version": ("'integer'", "version"),
    "created_at": ("'text'", "created"),
    "updated_at": ("'text'", "updated"),
    "labels": ("'array'", "labels"),
}
_ABSENT = ("''", "NULL")
_NUMBER = "IN ('integer', 'real')"
_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def sort_key_of(path: Path) -> str:
    """Return the SQL of the sort key of the value at `path`."""
    if path.meta:
        type_, value = _SYSTEM.get(path.parts[0], ("NULL", "NULL"))
    else:
        at = _json_path(path)
        type_, value = f"json_type(body, {at})", f"json_extract(body, {at})"
    return f"polystore_sort_key({type_}, {value})"


class FilterSQL(Visitor[str]):
    """Makes a condition that is true or false, never NULL.

    Args:
        labels: Whether the rows are nodes, which have labels.

    Attributes:
        parameters: In the order of the question marks.
    """

    def __init__(self, *, labels: bool) -> None:
        self.parameters: list[Any] = []
        self._labels = labels

    @override
    def visit_compare(self, node: Compare) -> str:
        if node.op == "eq":
            return self._one_of(self._field(node.path), [node.value])
        type_, value = self._field(node.path)
        kind = "= 'text'" if isinstance(node.value, str) else _NUMBER
        self.parameters.append(node.value)
        return f"({type_} {kind} AND {value} {_OPERATORS[node.op]} ?)"

    @override
    def visit_in(self, node: In) -> str:
        return self._one_of(self._field(node.path), node.values)

    @override
    def visit_exists(self, node: Exists) -> str:
        return f"({self._field(node.path)[0]} <> '')"

    @override
    def visit_is_null(self, node: IsNull) -> str:
        return f"({self._field(node.path)[0]} = 'null')"

    @override
    def visit_contains_any(self, node: ContainsAny) -> str:
        return f"({self._array(node.path)} AND {self._has(node.path, node.values)})"

    @override
    def visit_contains_all(self, node: ContainsAll) -> str:
        each = (self._has(node.path, [value]) for value in node.values)
        return f"({self._array(node.path)} AND {_joined('AND', list(each)) or '1'})"

    @override
    def visit_starts_with(self, node: StartsWith) -> str:
        type_, value = self._field(node.path)
        self.parameters += [node.prefix, node.prefix]
        return f"({type_} = 'text' AND substr({value}, 1, length(?)) = ?)"

    @override
    def visit_and(self, node: And) -> str:
        return _joined("AND", [self.visit(item) for item in node.items]) or "1"

    @override
    def visit_or(self, node: Or) -> str:
        return _joined("OR", [self.visit(item) for item in node.items]) or "0"

    @override
    def visit_not(self, node: Not) -> str:
        return f"(NOT {self.visit(node.item)})"

    def _field(self, path: Path) -> tuple[str, str]:
        """Return the SQL of the type ('' where it is missing) and of the value of a field."""
        if path.meta:
            known = path.parts[0] != "labels" or self._labels
            return _SYSTEM.get(path.parts[0], _ABSENT) if known else _ABSENT
        at = _json_path(path)
        return f"ifnull(json_type(body, {at}), '')", f"json_extract(body, {at})"

    def _array(self, path: Path) -> str:
        return f"{self._field(path)[0]} = 'array'"

    def _has(self, path: Path, values: Sequence[Scalar]) -> str:
        elements = self._field(path)[1] if path.meta else f"body, {_json_path(path)}"
        found = self._one_of(("type", "value"), values)
        return f"EXISTS (SELECT 1 FROM json_each({elements}) WHERE {found})"

    def _one_of(self, field: tuple[str, str], values: Sequence[Scalar]) -> str:
        type_, value = field
        texts = [one for one in values if isinstance(one, str)]
        numbers = [one for one in values if isinstance(one, int | float) and one is not True]
        numbers = [one for one in numbers if one is not False]
        kinds = [(True, "true"), (False, "false"), (None, "null")]
        parts = [
            f"{type_} = '{name}'" for one, name in kinds if any(one is given for given in values)
        ]
        for kind, wanted in (("= 'text'", texts), (_NUMBER, numbers)):
            if wanted:
                self.parameters.append(encode_json(wanted).decode())
                parts.append(f"({type_} {kind} AND {value} IN (SELECT value FROM json_each(?)))")
        return f"({' OR '.join(parts)})" if parts else "0"


def _json_path(path: Path) -> str:
    keys = "".join("." + encode_json(part).decode() for part in path.parts)
    quoted = keys.replace("'", "''")
    return f"'${quoted}'"


def _joined(operator: str, parts: list[str]) -> str:
    """Join in halves: SQLite bounds how deep an expression is, and a chain is as deep as long."""
    if len(parts) <= 1:
        return "".join(parts)
    half = len(parts) // 2
    left, right = _joined(operator, parts[:half]), _joined(operator, parts[half:])
    return f"({left} {operator} {right})"


def condition(filter_: Filter | None, *, labels: bool = False) -> tuple[str, list[Any]]:
    """Return the SQL of a filter, and its parameters."""
    if filter_ is None:
        return "1", []
    compiler = FilterSQL(labels=labels)
    return compiler.visit(filter_), compiler.parameters
