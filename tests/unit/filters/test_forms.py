from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.errors import InvalidFilter
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
    StartsWith,
    evaluate,
    from_json,
    parse_filter,
    to_json,
)

from .strategies import DOCUMENTS, FILTERS, METAS, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable


@given(FILTERS)
def test_json_comes_back_equal(node: Filter) -> None:
    text = orjson.dumps(to_json(node))
    again = from_json(orjson.loads(text))
    assert again == node
    assert orjson.dumps(to_json(again)) == text


JUNK_KEYS = st.sampled_from(["op", "path", "value", "values", "items", "item", "prefix", "x"])
JUNK_LEAVES = st.one_of(VALUES, st.sampled_from(["eq", "in", "and", "not", "exists", "a.b"]))
JUNK = st.recursive(
    JUNK_LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(JUNK_KEYS, inner, max_size=4)
    ),
    max_leaves=10,
)


@given(JUNK)
def test_foreign_json_is_refused_or_a_filter(obj: Any) -> None:
    for parse in (from_json, parse_filter):
        try:
            node = parse(obj)
        except InvalidFilter:
            continue
        assert from_json(to_json(node)) == node


BROKEN: list[Any] = [
    None,
    [],
    "eq",
    {},
    {"op": "ne", "path": "a", "value": 1},
    {"op": ["eq"], "path": "a", "value": 1},
    {"op": "eq", "path": "a"},
    {"op": "eq", "path": "a", "value": 1, "extra": 1},
    {"op": "eq", "path": "a", "value": [1]},
    {"op": "eq", "path": ["a"], "value": 1},
    {"op": "eq", "path": None, "value": 1},
    {"op": "in", "path": "a", "values": "abc"},
    {"op": "and", "items": {}},
    {"op": "and", "items": [{}]},
    {"op": "not", "item": []},
    {"op": "exists", "path": "meta:nope"},
    {"op": "exists", "path": "a", 5: 6},
    {"op": "exists", "path": "." * 100_000},
    {"op": "x" * 100_000},
    {"x" * 100_000: 1},
    {"op": "exists", "y" * 100_000: "a"},
]


@pytest.mark.parametrize("obj", BROKEN)
def test_broken_json_is_refused(obj: Any) -> None:
    with pytest.raises(InvalidFilter) as caught:
        from_json(obj)
    assert len(str(caught.value)) < 500


WRAPPINGS: list[Callable[[Any], Any]] = [
    lambda obj: {"op": "not", "item": obj},
    lambda obj: {"op": "and", "items": [obj]},
    lambda obj: {"$not": obj},
    lambda obj: {"$and": [obj]},
    lambda obj: {"a": {"$not": obj}},
]


@pytest.mark.parametrize("parse", [from_json, parse_filter])
@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_bottomless_input_is_refused(parse: Any, wrap: Any) -> None:
    obj: Any = {}
    for _ in range(5000):
        obj = wrap(obj)
    with pytest.raises(InvalidFilter):
        parse(obj)


def test_nesting_inside_one_field_is_bounded() -> None:
    operand: Any = {"$gt": 1}
    for _ in range(5000):
        operand = {"$not": operand}
    with pytest.raises(InvalidFilter, match="nested"):
        parse_filter({"a": operand})


def friendly(node: Filter) -> dict[str, Any]:  # noqa: C901, PLR0911
    match node:
        case Compare(path, op, value):
            return {str(path): {f"${op}": value}}
        case In(path, values):
            return {str(path): {"$in": list(values)}}
        case ContainsAny(path, values):
            return {str(path): {"$contains_any": list(values)}}
        case ContainsAll(path, (value,)):
            return {str(path): {"$contains": value}}
        case ContainsAll(path, values):
            return {str(path): {"$contains_all": list(values)}}
        case Exists(path):
            return {str(path): {"$exists": True}}
        case IsNull(path):
            return {str(path): {"$is_null": True}}
        case StartsWith(path, prefix):
            return {str(path): {"$starts_with": prefix}}
        case And(items):
            return {"$and": [friendly(item) for item in items]}
        case Or(items):
            return {"$or": [friendly(item) for item in items]}
        case Not(item):
            return {"$not": friendly(item)}
        case _:
            raise AssertionError(node)


@given(FILTERS)
def test_the_dict_form_says_everything(node: Filter) -> None:
    assert parse_filter(friendly(node)) == node


@given(FILTERS, FILTERS, DOCUMENTS, METAS)
def test_nor_is_none_of_them(
    a: Filter, b: Filter, document: dict[str, Any], meta: dict[str, Any]
) -> None:
    node = parse_filter({"$nor": [friendly(a), b]})
    assert evaluate(node, document, meta) is not evaluate(a | b, document, meta)


@pytest.mark.parametrize(
    ("obj", "node"),
    [
        ({}, And(())),
        ({"a": 1}, F("a") == 1),
        ({"a": None}, F("a") == None),  # noqa: E711
        ({"a.b": "x"}, F("a", "b") == "x"),
        ({'["a.b"]': "x"}, F(("a.b",)) == "x"),
        ({"a": {"$gte": 1, "$lt": 5}}, (F("a") >= 1) & (F("a") < 5)),
        ({"a": 1, "b": 2}, (F("a") == 1) & (F("b") == 2)),
        ({"a": {"$ne": 1}}, F("a") != 1),
        ({"a": {"$nin": [1, 2]}}, F("a").not_in([1, 2])),
        ({"a": {"$exists": False}}, ~F("a").exists()),
        ({"a": {"$is_null": False}}, ~F("a").is_null()),
        ({"a": {"$not": {"$gt": 1}}}, ~(F("a") > 1)),
        ({"a": {"$not": {"$gt": 1, "$lt": 0}}}, ~((F("a") > 1) & (F("a") < 0))),
        ({"$not": {"a": 1}}, F("a") != 1),
        ({"$or": []}, Or(())),
        ({"$or": [{"a": 1}, {"b": 1}], "c": 1}, ((F("a") == 1) | (F("b") == 1)) & (F("c") == 1)),
        ({"meta:version": {"$lt": 3}}, F.meta("version") < 3),
        (
            {"meta:created_at": {"$gt": "2024-01-01T01:00:00+01:00"}},
            F.meta("created_at") > datetime(2024, 1, 1, tzinfo=UTC),
        ),
        (F("a") == 1, F("a") == 1),
    ],
)
def test_the_dict_form_is_understood(obj: Any, node: Filter) -> None:
    assert parse_filter(obj) == node


@pytest.mark.parametrize(
    ("obj", "pattern"),
    [
        ({"year": {"$gtee": 1}}, r"'\$gtee'.*'year'.*'\$gte'"),
        ({"year": {"gte": 1}}, r"'gte'.*'year'.*'\$gte'"),
        ({"s": {"$startsWith": "x"}}, r"'\$startsWith'.*'\$starts_with'"),
        ({"s": {"$IN": [1]}}, r"'\$IN'.*'\$in'"),
        ({"a": {"b": 1}}, "write the path with a dot"),
        ({"$adn": []}, r"'\$adn'.*'\$and'"),
        ({"$gte": 1}, r"\$gte cannot stand at the top.*inside a field"),
        ({"a": {"$and": []}}, r"\$and cannot stand on 'a'.*outside"),
        ({"a": {"$regex": "x"}}, r"unknown operator '\$regex' on 'a'"),
        ({"a": [1]}, r"a list.*\$in.*\$contains"),
        ({"a": {"$eq": [1]}}, "not a scalar"),
        ({"a": {"$in": "abc"}}, "not a list"),
        ({"a": {"$in": 1}}, "not a list"),
        ({"a": {"$exists": 1}}, "not true or false"),
        ({"a": {"$exists": "false"}}, "not true or false"),
        ({"a": {"$is_null": None}}, "not true or false"),
        ({"a": {}}, "no operator is given for 'a'"),
        ({"a": {"$not": 1}}, "not a mapping"),
        ({"a": {"$not": {}}}, "no operator is given"),
        ({"a": {1: 2}}, "unknown operator '1'"),
        ({1: 2}, "field name of type int is not text"),
        ({"$and": {}}, r"\$and is a dict, not a list"),
        ({"$or": [1]}, "stands where a filter belongs"),
        ({"$not": []}, "stands where a filter belongs"),
        ([{"a": 1}], "stands where a filter belongs"),
        ("a = 1", "stands where a filter belongs"),
        (F("a"), "stands where a filter belongs"),
        (None, "stands where a filter belongs"),
        ({"a..b": 1}, "empty key"),
        ({"meta:creation": 1}, "no system field 'creation'"),
        ({"a": {"$gt": None}}, "has no order"),
        ({"x" * 100_000: [1]}, "is a list"),
    ],
)
def test_mistakes_are_named(obj: Any, pattern: str) -> None:
    with pytest.raises(InvalidFilter, match=pattern) as caught:
        parse_filter(obj)
    assert len(str(caught.value)) < 500
