"""The reference: what a filter means, in plain Python. Engines have to agree with it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from typing_extensions import override

from polystore.filters.operands import identity, is_number
from polystore.filters.visitor import Visitor
from polystore.types.json_domain import format_datetime
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
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
    from polystore.filters.path import Path

Predicate: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Takes a document and its system fields by name."""

_ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def evaluate(filter_: Filter, document: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    """Return whether `filter_` holds for `document`.

    Args:
        filter_: The condition.
        document: Its fields, in the JSON domain.
        meta: Its system fields by name; one that is absent or None is not set. Datetimes may be
            given as timezone-aware datetimes or as the text of `format_datetime`.
    """
    return compile_predicate(filter_)(document, meta)


def compile_predicate(filter_: Filter) -> Predicate:
    """Return `filter_` as a function of a document and its system fields, for many documents."""
    return _Compiler().visit(filter_)


class _Compiler(Visitor[Predicate]):
    @override
    def visit_compare(self, node: Compare) -> Predicate:
        if node.op == "eq":
            wanted = identity(node.value)
            return _test(node.path, lambda value: _scalar(value) and identity(value) == wanted)
        compare, bound = _ORDERINGS[node.op], node.value
        same_kind = is_number if is_number(bound) else _is_text
        return _test(node.path, lambda value: same_kind(value) and compare(value, bound))

    @override
    def visit_in(self, node: In) -> Predicate:
        wanted = frozenset(map(identity, node.values))
        return _test(node.path, lambda value: _scalar(value) and identity(value) in wanted)

    @override
    def visit_exists(self, node: Exists) -> Predicate:
        return _test(node.path, lambda value: value is not MISSING)

    @override
    def visit_is_null(self, node: IsNull) -> Predicate:
        return _test(node.path, lambda value: value is None)

    @override
    def visit_contains_any(self, node: ContainsAny) -> Predicate:
        wanted = frozenset(map(identity, node.values))
        return _test(node.path, lambda value: not wanted.isdisjoint(_elements(value)))

    @override
    def visit_contains_all(self, node: ContainsAll) -> Predicate:
        wanted = frozenset(map(identity, node.values))
        return _test(
            node.path,
            lambda value: isinstance(value, list | tuple) and wanted.issubset(_elements(value)),
        )

    @override
    def visit_starts_with(self, node: StartsWith) -> Predicate:
        prefix = node.prefix
        return _test(node.path, lambda value: isinstance(value, str) and value.startswith(prefix))

    @override
    def visit_and(self, node: And) -> Predicate:
        items = [self.visit(item) for item in node.items]
        return lambda document, meta: all(item(document, meta) for item in items)

    @override
    def visit_or(self, node: Or) -> Predicate:
        items = [self.visit(item) for item in node.items]
        return lambda document, meta: any(item(document, meta) for item in items)

    @override
    def visit_not(self, node: Not) -> Predicate:
        item = self.visit(node.item)
        return lambda document, meta: not item(document, meta)


def _test(path: Path, test: Callable[[Any], bool]) -> Predicate:
    """Return the predicate that asks `test` of the value at `path`, which may be `MISSING`."""
    if path.meta:
        name = path.parts[0]
        return lambda _document, meta: test(_system_value(meta.get(name)))
    return lambda document, _meta: test(_value_at(document, path.parts))


def _value_at(document: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    value: Any = document
    for part in parts:
        if not isinstance(value, Mapping):
            return MISSING
        value = cast("Mapping[str, Any]", value).get(part, MISSING)
    return _as_stored(value)


def _system_value(value: Any) -> Any:
    if value is None:
        return MISSING
    if isinstance(value, AbstractSet):  # labels may be kept as a set
        return tuple(cast("AbstractSet[Any]", value))
    return _as_stored(value)


def _as_stored(value: Any) -> Any:
    return format_datetime(value) if isinstance(value, datetime) else value


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _elements(value: Any) -> Iterable[tuple[bool, Any]]:
    """Return what may equal an operand in the array `value`; nothing of any other value."""
    if not isinstance(value, list | tuple):
        return ()
    items = map(_as_stored, cast("Iterable[Any]", value))
    return [identity(item) for item in items if _scalar(item)]
