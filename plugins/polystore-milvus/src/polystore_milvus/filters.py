"""Filters as Milvus expressions over facts (`metadata.py`), exact and two-valued."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.filters import Visitor
from polystore_milvus import columns
from polystore_milvus.columns import FACTS, SIGNS, Condition
from polystore_milvus.expressions import joined, literal, literals, starting_with
from polystore_milvus.metadata import (
    AFTER_NUMBERS,
    AFTER_TEXTS,
    ARRAY,
    NULL,
    NUMBER,
    OBJECT,
    SCALAR,
    TEXT,
    encode_key,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.filters import (
        And,
        Compare,
        CompareOp,
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
    from polystore_milvus.declared import Declared


def compile_filter(filter_: Filter, declared: Declared) -> Condition:
    """Return the expression that holds for the rows which `filter_` matches, or a constant.

    Args:
        filter_: The condition.
        declared: Fields that have a column, by path.
    """
    return _Compiler(declared).visit(filter_)


class _Compiler(Visitor[Condition]):
    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._negated = False

    @override
    def visit_compare(self, node: Compare) -> Condition:
        if node.path.meta:
            return columns.compare(node.path, node.op, node.value)
        place, text = self._scalar(node.path), token(node.value)
        test = f"{place} {SIGNS[node.op]} {literal(text)}"
        return self._test(place, test + _within_kind(place, node.op, text))

    @override
    def visit_in(self, node: In) -> Condition:
        if node.path.meta:
            return columns.one_of(node.path, node.values)
        if not node.values:
            return False
        place, tokens = self._scalar(node.path), map(token, node.values)
        if node.path in self._declared:
            return self._test(place, f"{place} in {literals(tokens)}")
        # Not every server knows `in` for a place inside JSON.
        return self._test(place, joined("or", [f"{place} == {literal(text)}" for text in tokens]))

    @override
    def visit_exists(self, node: Exists) -> Condition:
        if node.path.meta:
            return columns.is_set(node.path)
        places = [_place(node.path, ending) for ending in (SCALAR, ARRAY, OBJECT)]
        return joined("or", [f"(exists {place})" for place in places])

    @override
    def visit_is_null(self, node: IsNull) -> Condition:
        place = self._scalar(node.path)
        return self._test(place, f"{place} == {literal(NULL)}")

    @override
    def visit_contains_any(self, node: ContainsAny) -> Condition:
        if not node.values:
            return False
        return self._contains("json_contains_any", node.path, node.values)

    @override
    def visit_contains_all(self, node: ContainsAll) -> Condition:
        if not node.values and not node.path.meta:
            return f"(exists {_place(node.path, ARRAY)})"
        return self._contains("json_contains_all", node.path, node.values)

    @override
    def visit_starts_with(self, node: StartsWith) -> Condition:
        if node.path.meta:
            return columns.prefixed(node.path, node.prefix)
        place = self._scalar(node.path)
        return self._test(place, starting_with(place, TEXT + node.prefix))

    @override
    def visit_and(self, node: And) -> Condition:
        return self._join("and", node.items, decisive=False)

    @override
    def visit_or(self, node: Or) -> Condition:
        return self._join("or", node.items, decisive=True)

    @override
    def visit_not(self, node: Not) -> Condition:
        outer, self._negated = self._negated, True
        item = self.visit(node.item)
        self._negated = outer
        return (not item) if isinstance(item, bool) else f"(not {item})"

    def _join(self, word: str, items: Sequence[Filter], *, decisive: bool) -> Condition:
        conditions = [self.visit(item) for item in items]
        expressions = [item for item in conditions if isinstance(item, str)]
        if any(item is decisive for item in conditions):
            return decisive
        return joined(word, expressions) if expressions else not decisive

    def _contains(self, function: str, path: Path, values: Sequence[Scalar]) -> Condition:
        if path.meta:  # labels, the only system field that is an array, is a graph's
            return False
        place = _place(path, ARRAY)
        return self._test(place, f"{function}({place}, {literals(map(token, values))})")

    def _scalar(self, path: Path) -> str:
        """Return where a scalar at `path` is found."""
        return self._declared.get(path) or _place(path, SCALAR)

    def _test(self, place: str, test: str) -> str:
        # Where nothing stands at a place, a test is false on some servers and unknown on others,
        # which makes a difference only below a `not`.
        in_facts = place.startswith(FACTS)
        return f"((exists {place}) and ({test}))" if self._negated and in_facts else f"({test})"


def _place(path: Path, ending: str) -> str:
    """Return where the facts hold what stands at `path`, if it is of the kind of `ending`."""
    *outer, last = map(encode_key, path.parts)
    keys = [*(key + OBJECT for key in outer), last + ending]
    return FACTS + "".join(f"[{literal(key)}]" for key in keys)


def _within_kind(place: str, op: CompareOp, text: str) -> str:
    """Return what has to be added to an order so that numbers and texts stay apart."""
    is_text = text.startswith(TEXT)
    if op in {"gt", "gte"}:
        return f" and {place} < {literal(AFTER_TEXTS if is_text else AFTER_NUMBERS)}"
    if op in {"lt", "lte"}:
        return f" and {place} >= {literal(TEXT if is_text else NUMBER)}"
    return ""
