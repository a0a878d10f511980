"""Filters in SQL. Values and keys of filters are parameters, always.

An expression may come out NULL where the reference says false: WHERE takes both alike, and
without `coalesce` indexes can be used. Only below a NOT the difference matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.filters import Visitor
from polystore_postgres.filter_fields import (
    AbsentField,
    ColumnField,
    FilterField,
    JsonField,
    KeyField,
    LabelsField,
)
from polystore_postgres.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        StartsWith,
    )


@dataclass(frozen=True, slots=True)
class FilterTable:
    """Where a filter finds things; all are SQL expressions, such as `t.data`.

    Attributes:
        data: The jsonb object that paths lead into.
        columns: The sort key column of each declared path.
        meta: System fields: id (text), version (bigint), created_at, ... (timestamptz).
        labels: The text[] behind the system field `labels`; None where there is none.
        arrays: Declared arrays: the jsonb expression that a GIN index is on.
    """

    data: str
    columns: Mapping[Path, str] = field(default_factory=dict["Path", str])
    meta: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: str | None = None
    arrays: Mapping[Path, str] = field(default_factory=dict["Path", str])


def compile_filter(filter_: Filter, table: FilterTable, parameters: list[object]) -> str:
    """Return a boolean SQL expression for WHERE: true where `filter_` holds, else false or NULL.

    Args:
        filter_: The condition.
        table: Where it finds things.
        parameters: The statement's parameters so far; those of the filter are appended.
    """
    return _Compiler(table, Parameters(parameters)).visit(filter_)


class _Compiler(Visitor[str]):
    def __init__(self, table: FilterTable, parameters: Parameters) -> None:
        self._table = table
        self._parameters = parameters

    @override
    def visit_compare(self, node: Compare) -> str:
        return self._field(node.path).compare(node.op, node.value)

    @override
    def visit_in(self, node: In) -> str:
        return self._field(node.path).is_in(node.values) if node.values else "false"

    @override
    def visit_exists(self, node: Exists) -> str:
        return self._field(node.path).exists()

    @override
    def visit_is_null(self, node: IsNull) -> str:
        return self._field(node.path).is_null()

    @override
    def visit_contains_any(self, node: ContainsAny) -> str:
        return self._field(node.path).contains_any(node.values) if node.values else "false"

    @override
    def visit_contains_all(self, node: ContainsAll) -> str:
        return self._field(node.path).contains_all(node.values)

    @override
    def visit_starts_with(self, node: StartsWith) -> str:
        return self._field(node.path).starts_with(node.prefix)

    @override
    def visit_and(self, node: And) -> str:
        return _join(" AND ", [self.visit(item) for item in node.items], empty="true")

    @override
    def visit_or(self, node: Or) -> str:
        return _join(" OR ", [self.visit(item) for item in node.items], empty="false")

    @override
    def visit_not(self, node: Not) -> str:
        return f"(NOT coalesce({self.visit(node.item)}, false))"

    def _field(self, path: Path) -> FilterField:
        table = self._table
        if path.meta:
            return self._system_field(path)
        document = JsonField(self._parameters, table.data, path, table.arrays.get(path))
        column = table.columns.get(path)
        return document if column is None else KeyField(self._parameters, column, document)

    def _system_field(self, path: Path) -> FilterField:
        name = path.parts[0]
        if name == "labels" and self._table.labels is not None:
            return LabelsField(self._parameters, self._table.labels)
        column = self._table.meta.get(name)
        if column is None or path.system_kind is None:
            return AbsentField(self._parameters)
        return ColumnField(self._parameters, column, path.system_kind)


def _join(word: str, parts: list[str], *, empty: str) -> str:
    return f"({word.join(parts)})" if parts else empty
