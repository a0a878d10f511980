from __future__ import annotations

import collections
import inspect
import math
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polystore.errors import DataCorruption, InvalidRecord
from polystore.types.json_domain import (
    MAX_DEPTH,
    check_json,
    check_text,
    decode_json,
    decode_rewritten_json,
    encode_json,
    format_datetime,
    merge_patch,
    parse_datetime,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATETIMES = st.datetimes(timezones=ZONES)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.sampled_from(["null", "\\u0000", "-0.0", "9" * 19, 2**53 + 1, -0.0, 1e300]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=20,
)
ANY_SCALAR = st.one_of(
    SCALARS,
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=3),
    st.datetimes(timezones=st.one_of(st.none(), ZONES)),
    st.dates(),
    st.uuids(),
)
ANYTHING = st.recursive(
    ANY_SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=3),
    ),
    max_leaves=8,
)


class Colour(Enum):
    RED = "red"
    NONE = None


class Word(StrEnum):
    A = "a"


class Number(IntEnum):
    ONE = 1


class Pair(NamedTuple):
    a: Any
    b: Any


class Text(str):
    __slots__ = ()


def nested(depth: int, kind: str = "list") -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if kind == "list" or (kind == "mixed" and level % 2) else {"k": value}
    return value


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    assert decode_json(encode_json(value)) == value


@given(VALUES)
def test_the_fast_way_writes_what_the_walk_returns(value: Any) -> None:
    assert orjson.loads(encode_json(value)) == check_json(value)
    assert encode_json(value) == encode_json(decode_json(encode_json(value)))


@given(ANYTHING)
def test_the_fast_way_and_the_walk_refuse_the_same(value: Any) -> None:
    try:
        walked = check_json(value)
    except InvalidRecord:
        with pytest.raises(InvalidRecord):
            encode_json(value)
        return
    assert decode_json(encode_json(value)) == walked


SUBCLASSES: list[tuple[object, object]] = [
    (Colour.RED, "red"),
    (Colour.NONE, None),
    (Word.A, "a"),
    (Number.ONE, 1),
    (UUID(int=5), str(UUID(int=5))),
    (Text("a"), "a"),
    (Pair(1, None), [1, None]),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(int, a=1), {"a": 1}),
    ({Text("k"): 1}, {"k": 1}),
    ({Word.A: None}, {"a": None}),
    (np.float64(1.5), 1.5),
]


@pytest.mark.parametrize(("value", "stored"), SUBCLASSES)
@pytest.mark.parametrize("neighbour", [0, None])
def test_subclasses_are_stored_as_their_values(
    value: object, stored: object, neighbour: object
) -> None:
    # The neighbour null forces the full walk; the answer must not depend on it.
    assert decode_json(encode_json([value, neighbour])) == [stored, neighbour]
    checked = check_json([value, neighbour])
    assert checked == [stored, neighbour]
    assert type(checked[0]) is type(stored)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        2**63,
        -(2**63) - 1,
        [10**5000],
        "a\x00",
        "\ud800",
        {"\ud800": 1},
        {"a\x00": 1},
        {1: 2},
        {None: 2},
        {(1,) * 5000: 1},
        b"x",
        {1, 2},
        date(2024, 1, 1),
        datetime(2024, 1, 1),  # noqa: DTZ001 - naive on purpose
        object(),
        np.int64(1),
        np.zeros(3),
    ],
)
@pytest.mark.parametrize("neighbour", [0, None])
def test_values_outside_the_domain_are_refused(value: object, neighbour: object) -> None:
    for check in (encode_json, check_json):
        with pytest.raises(InvalidRecord) as caught:
            check({"k": [neighbour, value]}, what="record 'r1'")
        assert str(caught.value).startswith("record 'r1'['k'][1]")
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", ["list", "dict", "mixed"])
def test_depth_has_one_limit(kind: str) -> None:
    assert decode_json(encode_json(nested(MAX_DEPTH, kind))) == nested(MAX_DEPTH, kind)
    assert check_json(nested(MAX_DEPTH, kind)) == nested(MAX_DEPTH, kind)
    for depth in (MAX_DEPTH + 1, 900, 100_000):
        for check in (encode_json, check_json):
            with pytest.raises(InvalidRecord, match="nested more than") as caught:
                check(nested(depth, kind))
            assert len(str(caught.value)) < 200


def test_a_datetime_at_the_deepest_place_is_stored() -> None:
    value: Any = datetime(2024, 1, 1, tzinfo=UTC)
    for _ in range(MAX_DEPTH):
        value = [value]
    assert decode_json(encode_json(value)) == check_json(value)


def test_a_cycle_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(InvalidRecord, match="must not contain itself"):
        encode_json(cycle)


def test_a_nearly_full_stack_gives_an_error_of_ours() -> None:
    def climb(left: int) -> None:
        if left:
            climb(left - 1)
        else:
            encode_json([nested(MAX_DEPTH - 1), None])

    with pytest.raises(InvalidRecord, match="nested too deeply"):
        climb(sys.getrecursionlimit() - len(inspect.stack(0)) - 200)


def test_long_keys_are_shortened_in_messages() -> None:
    with pytest.raises(InvalidRecord) as caught:
        encode_json({"k" * 100_000: {"s" * 1000: b""}})
    assert len(str(caught.value)) < 250


@given(DATETIMES, DATETIMES)
@example(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
@example(datetime(99, 1, 1, tzinfo=UTC), datetime(1000, 1, 1, tzinfo=UTC))
def test_datetime_text_sorts_and_comes_back(a: datetime, b: datetime) -> None:
    try:
        first, second = format_datetime(a), format_datetime(b)
    except InvalidRecord:
        extremes = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        assert any(abs(x - y) < timedelta(days=1) for x in (a, b) for y in extremes)
        return
    assert len(first) == len(second) == 27
    assert (first < second, first == second) == (a < b, a == b)
    assert parse_datetime(first) == a
    assert parse_datetime(first).tzinfo is UTC
    assert format_datetime(parse_datetime(first)) == first


@pytest.mark.parametrize(
    "value",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
    ],
)
def test_datetimes_past_the_calendar_are_refused(value: datetime) -> None:
    with pytest.raises(InvalidRecord, match="outside the years"):
        format_datetime(value)
    with pytest.raises(InvalidRecord, match=r"value\['a'\]"):
        encode_json({"a": value})


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("2024-05-01T12:30:00Z", "2024-05-01T12:30:00.000000Z"),
        ("2024-05-01t12:30:00.5z", "2024-05-01T12:30:00.500000Z"),
        ("2024-05-01 12:30:00.123456+02:00", "2024-05-01T10:30:00.123456Z"),
        ("2024-05-01T12:30:00-00:00", "2024-05-01T12:30:00.000000Z"),
    ],
)
def test_rfc3339_is_understood(text: str, normal: str) -> None:
    assert format_datetime(parse_datetime(text)) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024",
        "2024-05-01",
        "2024-05-01T12:30:00",
        "2024-05-01T12:30Z",
        "20240501T123000Z",
        "2024-W01-1T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2024-05-01T24:00:01Z",
        "2024-05-01T12:30:60Z",
        "2024-05-01T12:30:00.1234567Z",
        "2024-05-01T12:30:00Z\n",
        "٢٠٢٤-05-01T12:30:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "x" * 100_000,
    ],
)
def test_other_datetime_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        parse_datetime(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"[9223372036854775807]", [2**63 - 1]),
        (b"[9223372036854775808]", [2.0**63]),
        (b'{"a":[18446744073709551615]}', {"a": [2.0**64]}),
        (b"18446744073709551616", 2.0**64),
        (b"-9223372036854775809", -(2.0**63)),
        (b"1" + b"0" * 300, 1e300),
        (b'{"a:":"x",":b":9223372036854775808}', {"a:": "x", ":b": 2.0**63}),
        (b'["\\\\",9223372036854775808,"\\""]', ["\\", 2.0**63, '"']),
        (b'"1234567890123456789"', "1234567890123456789"),
        (b'["id:12345678901234567890"]', ["id:12345678901234567890"]),
    ],
)
def test_long_integers_are_read_as_floats(text: bytes, value: object) -> None:
    result = decode_rewritten_json(text)
    assert result == value
    assert decode_json(encode_json(result)) == result


def test_long_integers_are_folded_at_any_depth() -> None:
    text = b"[" * 1000 + b"9223372036854775808" + b"]" * 1000
    value = decode_rewritten_json(text)
    for _ in range(1000):
        value = value[0]
    assert type(value) is float


@pytest.mark.parametrize(
    "text", [b"", b"nope", b"1e400", b'"\xff"', b"[" * 5000, "NaN", b"{'a':1}"]
)
def test_other_text_is_corruption(text: bytes | str) -> None:
    with pytest.raises(DataCorruption, match="not JSON") as caught:
        decode_json(text)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "a", "😀\u202e", "\x01", "\ue000", "\U0010ffff"])
def test_unicode_is_kept(text: str) -> None:
    assert check_text(text, what="it") is text


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [  # the examples of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    before = encode_json([target, patch])
    assert merge_patch(target, patch) == result
    assert encode_json([target, patch]) == before


@given(VALUES, VALUES)
def test_merging_twice_changes_nothing_more(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
