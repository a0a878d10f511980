from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from polystore.filters import (
    And,
    Compare,
    ContainsAll,
    ContainsAny,
    Exists,
    F,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    Path,
    StartsWith,
    compile_predicate,
    evaluate,
    is_trivial,
)

from .strategies import DOCUMENTS, FILTERS, METAS, PATHS, SCALARS

MISSING = object()


def same(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def lookup(path: Path, document: Any, meta: dict[str, Any]) -> Any:
    if path.meta:
        value = meta.get(path.parts[0])
        return MISSING if value is None else value
    for part in path.parts:
        if not isinstance(document, dict) or part not in document:
            return MISSING
        document = document[part]  # pyright: ignore[reportUnknownVariableType]
    return document  # pyright: ignore[reportUnknownVariableType]


def ordered(op: str, a: Any, b: Any) -> bool:
    def kind(value: Any) -> str:
        if isinstance(value, bool):
            return "other"
        return "number" if isinstance(value, int | float) else type(value).__name__

    if kind(a) != kind(b) or kind(a) not in {"number", "str"}:
        return False
    return {"gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[op]


def naive(node: Filter, document: Any, meta: dict[str, Any]) -> bool:  # noqa: C901, PLR0911
    """The meaning once more, as plainly as it can be said: the oracle."""
    match node:
        case And(items):
            return all(naive(item, document, meta) for item in items)
        case Or(items):
            return any(naive(item, document, meta) for item in items)
        case Not(item):
            return not naive(item, document, meta)
        case Compare(path, op, operand):
            value = lookup(path, document, meta)
            return same(value, operand) if op == "eq" else ordered(op, value, operand)
        case In(path, values):
            value = lookup(path, document, meta)
            return any(same(value, one) for one in values)
        case Exists(path):
            return lookup(path, document, meta) is not MISSING
        case IsNull(path):
            return lookup(path, document, meta) is None
        case ContainsAny(path, values):
            value = lookup(path, document, meta)
            return isinstance(value, list) and any(
                any(same(element, one) for element in value)  # pyright: ignore[reportUnknownVariableType]
                for one in values
            )
        case ContainsAll(path, values):
            value = lookup(path, document, meta)
            return isinstance(value, list) and all(
                any(same(element, one) for element in value)  # pyright: ignore[reportUnknownVariableType]
                for one in values
            )
        case StartsWith(path, prefix):
            value = lookup(path, document, meta)
            return isinstance(value, str) and value[: len(prefix)] == prefix
        case _:
            raise AssertionError(node)


@given(FILTERS, DOCUMENTS, METAS)
def test_the_evaluator_agrees_with_the_oracle(
    node: Filter, document: dict[str, Any], meta: dict[str, Any]
) -> None:
    assert evaluate(node, document, meta) is naive(node, document, meta)


@given(FILTERS, DOCUMENTS, METAS)
def test_not_is_the_exact_complement(
    node: Filter, document: dict[str, Any], meta: dict[str, Any]
) -> None:
    assert evaluate(~node, document, meta) is not evaluate(node, document, meta)


@given(FILTERS, FILTERS, DOCUMENTS, METAS)
def test_and_and_or_are_those_of_logic(
    a: Filter, b: Filter, document: dict[str, Any], meta: dict[str, Any]
) -> None:
    left, right = evaluate(a, document, meta), evaluate(b, document, meta)
    assert evaluate(a & b, document, meta) is (left and right)
    assert evaluate(a | b, document, meta) is (left or right)
    assert evaluate(~(a & b), document, meta) is evaluate(~a | ~b, document, meta)


@given(FILTERS, DOCUMENTS, METAS)
def test_trivial_filters_match_everything(
    node: Filter, document: dict[str, Any], meta: dict[str, Any]
) -> None:
    if is_trivial(node):
        assert evaluate(node, document, meta)


@given(PATHS, SCALARS, DOCUMENTS)
def test_contains_is_one_case_of_any_and_all(
    path: Path, value: Any, document: dict[str, Any]
) -> None:
    field = F(path)
    results = {
        evaluate(node, document, {})
        for node in (
            field.contains(value),
            field.contains_any([value]),
            field.contains_all([value, value]),
        )
    }
    assert len(results) == 1


DOC: dict[str, Any] = {
    "n": 1,
    "f": 1.5,
    "s": "abc",
    "t": True,
    "z": None,
    "l": ["db", 1, True, None, ["x"], {"k": 1}],
    "e": [],
    "o": {"k": {"a.b": 5}, "l": [{"k": 1}]},
    "big": 2**53 + 1,
    "when": "2024-01-01T00:00:00.000000Z",
}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (F("n") == 1.0, True),
        (F("n") == True, False),  # noqa: E712
        (F("t") == 1, False),
        (F("t") == True, True),  # noqa: E712
        (F("n") == "1", False),
        (F("z") == None, True),  # noqa: E711
        (F("no") == None, False),  # noqa: E711
        (F("no") != None, True),  # noqa: E711
        (F("no") != 1, True),
        (F("no").not_in([1]), True),
        (F("no") > 0, False),
        (~(F("no") > 0), True),
        (F("z") < 0, False),
        (F("t") > 0, False),
        (F("s") > 0, False),
        (F("n") < "z", False),
        (F("l") == "db", False),
        (F("o") != 1, True),
        (F("big") == float(2**53), False),
        (F("big") > float(2**53), True),
        (F("l").contains("db"), True),
        (F("l").contains(True), True),
        (F("e").contains(True), False),
        (F("l").contains(None), True),
        (F("l").contains("x"), False),
        (F("s").contains("abc"), False),
        (F("s").contains_any(["abc"]), False),
        (F("l").contains_any([]), False),
        (F("l").contains_all([]), True),
        (F("e").contains_all([]), True),
        (F("s").contains_all([]), False),
        (F("no").contains_all([]), False),
        (F("o").contains_all([]), False),
        (F("l").contains_all([1, "db"]), True),
        (F("l").contains_all([1, "db", 2]), False),
        (F("n").is_in([]), False),
        (F("n").not_in([]), True),
        (F("t").is_in([1]), False),
        (F("l").is_in(["db"]), False),
        (F("z").exists(), True),
        (F("no").exists(), False),
        (F("z").is_null(), True),
        (F("no").is_null(), False),
        (F("s").starts_with(""), True),
        (F("n").starts_with(""), False),
        (F("s").starts_with("ab"), True),
        (F("s").starts_with("AB"), False),
        (F("s").starts_with("%"), False),
        (F("l").starts_with("db"), False),
        (F("o.k").exists(), True),
        (F("o", "k", "a.b") == 5, True),
        (F("o.k.a.b").exists(), False),
        (F("l.0").exists(), False),
        (F("o.l.k").exists(), False),
        (F("s.x").exists(), False),
        (F("when") == datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), True),
        (F("when") > datetime(2023, 1, 1, tzinfo=UTC), True),
        (And(()), True),
        (Or(()), False),
    ],
)
def test_meaning(node: Filter, expected: bool) -> None:
    assert evaluate(node, DOC, {}) is expected


def test_strings_order_by_code_point() -> None:
    assert evaluate(F("s") > "\uffff", {"s": "😀"}, {})
    assert evaluate(F("s") > "Z", {"s": "a"}, {})


MOMENT = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("stored", [MOMENT, "2024-05-01T12:00:00.000000Z"])
@pytest.mark.parametrize(
    "operand", [MOMENT, "2024-05-01T12:00:00Z", "2024-05-01T14:00:00.000+02:00"]
)
def test_system_datetimes_compare_in_every_form(stored: object, operand: Any) -> None:
    field = F.meta("created_at")
    meta = {"created_at": stored}
    assert evaluate(field == operand, {}, meta)
    assert evaluate(field.is_in([operand]), {}, meta)
    assert evaluate((field >= operand) & (field <= operand), {}, meta)
    assert not evaluate(field > operand, {}, meta)


def test_system_fields_and_user_fields_do_not_meet() -> None:
    document = {"id": "user", "version": 9, "meta:id": "odd"}
    meta = {"id": "system", "version": 2, "labels": {"Person"}, "expires_at": None}
    assert evaluate(F("id") == "user", document, meta)
    assert evaluate(F.meta("id") == "system", document, meta)
    assert evaluate(F(("meta:id",)) == "odd", document, meta)
    assert evaluate(F.meta("version") < 2.5, document, meta)
    assert evaluate(F.meta("labels").contains("Person"), document, meta)
    assert not evaluate(F.meta("expires_at").exists(), document, meta)
    assert not evaluate(F.meta("created_at").exists(), document, meta)


def test_a_predicate_serves_many_documents() -> None:
    even = compile_predicate(F("n").is_in(range(0, 100, 2)))
    assert [n for n in range(10) if even({"n": n}, {})] == [0, 2, 4, 6, 8]
