from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polystore.errors import InvalidRecord
from polystore.types.json_domain import format_datetime
from polystore.types.sortkey import (
    CLASS_CONTAINER,
    CLASS_NUMBER,
    CLASS_STRING,
    MAX_STRING_BYTES,
    MISSING,
    class_range,
    decode_sort_key,
    is_truncated,
    next_prefix,
    number_range,
    sort_key,
    string_range,
)


def near_power(sign: int, power: int, offset: int) -> int:
    return max(-(2**63), min(2**63 - 1, sign * 2**power + offset))


def repeated(unit: str, count: int, tail: str) -> str:
    return unit * count + tail


INTEGERS = st.integers(-(2**63), 2**63 - 1)
# Neighbours of powers of two, where doubles and integers part.
EDGES = st.builds(
    near_power, st.sampled_from([-1, 1]), st.integers(50, 63), st.integers(-1100, 1100)
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.one_of(INTEGERS, EDGES, FLOATS, EDGES.map(float))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
LONG_TEXT = st.builds(
    repeated, st.sampled_from(["a", "é", "漢", "😀"]), st.integers(120, 510), TEXT
)
STRINGS = st.one_of(TEXT, LONG_TEXT, st.sampled_from(["", "\x01", "a\x01", "\x7f", "\uffff", "😀"]))
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([MISSING, None, False, True]), NUMBERS, STRINGS
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS, st.lists(INTEGERS), st.dictionaries(TEXT, INTEGERS)
)


def reference(value: Any) -> tuple[Any, ...]:
    if value is MISSING:
        return (0,)
    if value is None:
        return (1,)
    if isinstance(value, bool):
        return (3,) if value else (2,)
    if isinstance(value, int | float):
        return (4, value)
    if isinstance(value, str):
        text = value.encode()
        return (5, text[:MAX_STRING_BYTES], len(text) > MAX_STRING_BYTES)
    return (6,)


def sign(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


@given(VALUES, VALUES)
def test_keys_sort_as_values_do(a: Any, b: Any) -> None:
    assert sign(sort_key(a), sort_key(b)) == sign(reference(a), reference(b))


@given(NUMBERS, NUMBERS)
@example(2**53 + 1, float(2**53))
@example(2**63 - 1, float(2**63))
@example(-(2**63), -float(2**63))
@example(-(2**63) + 1, -float(2**63))
@example(0.0, -0.0)
@example(5e-324, 0)
@example(-5e-324, 0)
def test_numbers_sort_exactly(a: float, b: float) -> None:
    assert sign(sort_key(a), sort_key(b)) == sign(a, b)


@given(EDGES, st.integers(-2000, 2000))
def test_near_integers_sort_exactly(a: int, step: int) -> None:
    b = max(-(2**63), min(2**63 - 1, a + step))
    assert sign(sort_key(a), sort_key(b)) == sign(a, b)
    assert sign(sort_key(a), sort_key(float(b))) == sign(a, float(b))


@given(SCALARS)
def test_scalars_come_back(value: Any) -> None:
    key = sort_key(value)
    result = decode_sort_key(key)
    if is_truncated(key):
        assert value.startswith(result)
        assert MAX_STRING_BYTES - 3 <= len(result.encode()) <= MAX_STRING_BYTES
    else:
        assert result == value
        assert isinstance(result, bool) == isinstance(value, bool)


@given(NUMBERS)
def test_numbers_come_back_as_int_where_whole(value: float) -> None:
    result = decode_sort_key(sort_key(value))
    assert isinstance(result, int) == (value == int(value) and -(2**63) <= value < 2**63)


@pytest.mark.parametrize("size", [499, 500])
def test_a_string_up_to_the_limit_is_whole(size: int) -> None:
    key = sort_key("x" * size)
    assert not is_truncated(key)
    assert decode_sort_key(key) == "x" * size


def test_a_long_string_is_cut_and_ties() -> None:
    assert is_truncated(sort_key("x" * 501))
    assert sort_key("x" * 500 + "a") == sort_key("x" * 500 + "b") > sort_key("x" * 500)
    assert decode_sort_key(sort_key("é" * 249 + "x漢")) == "é" * 249 + "x"


@pytest.mark.parametrize("value", [None, 1, 1.0, "\x01", "a", MISSING, [1], {}, False])
def test_nothing_else_is_truncated(value: object) -> None:
    assert not is_truncated(sort_key(value))


def test_datetimes_are_their_text() -> None:
    moment = datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)
    assert sort_key(moment) == sort_key(format_datetime(moment))


def test_subclasses_sort_as_their_values() -> None:
    class Number(IntEnum):
        ONE = 1

    class Word(StrEnum):
        A = "a"

    assert sort_key(Number.ONE) == sort_key(1)
    assert sort_key(Word.A) == sort_key("a")
    assert sort_key((1, 2)) == CLASS_CONTAINER


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 2**63, -(2**63) - 1, "a\x00", "\ud800", b"x", {1}, object()],
)
def test_values_outside_the_domain_are_refused(value: object) -> None:
    with pytest.raises(InvalidRecord):
        sort_key(value)


@given(st.binary(min_size=1).filter(lambda prefix: prefix.strip(b"\xff")), st.binary())
def test_next_prefix_is_above_every_continuation(prefix: bytes, tail: bytes) -> None:
    above = next_prefix(prefix)
    assert prefix + tail < above
    # and the least such: whatever lies between starts with the prefix
    below = above[:-1] + bytes([above[-1] - 1]) + b"\xff" * 20
    assert below.startswith(prefix)


@pytest.mark.parametrize("prefix", [b"", b"\xff", b"\xff\xff"])
def test_next_prefix_may_not_exist(prefix: bytes) -> None:
    with pytest.raises(ValueError, match="no bytes lie above"):
        next_prefix(prefix)


@given(STRINGS, STRINGS)
def test_string_range_is_starts_with(prefix: str, text: str) -> None:
    low, high = string_range(prefix)
    inside = low <= sort_key(text) < high
    assert low <= sort_key(prefix + text) < high
    if len(prefix.encode()) <= MAX_STRING_BYTES:
        assert inside == text.startswith(prefix)
    else:
        assert inside or not text.startswith(prefix)


@given(VALUES)
def test_class_bounds_hold_exactly_their_class(value: Any) -> None:
    key = sort_key(value)
    low, high = class_range(key)
    assert low <= key < high
    assert (number_range()[0] <= key < number_range()[1]) == key.startswith(CLASS_NUMBER)
    assert (string_range()[0] <= key < string_range()[1]) == key.startswith(CLASS_STRING)


@given(
    st.one_of(
        st.binary(max_size=12),
        st.binary(max_size=12).map(lambda tail: CLASS_NUMBER + tail),
        st.binary(min_size=10, max_size=10).map(lambda tail: CLASS_NUMBER + tail),
        st.binary(max_size=12).map(lambda tail: CLASS_STRING + tail),
        st.binary(min_size=490, max_size=505).map(lambda tail: CLASS_STRING + tail + b"\x01"),
    )
)
@example(b"")
@example(CLASS_CONTAINER)
@example(CLASS_STRING)
@example(CLASS_STRING + b"a\x01")
@example(CLASS_STRING + b"\xff\x00")
@example(CLASS_STRING + b"a\x00b\x00")
@example(CLASS_STRING + b"x" * 501 + b"\x00")
@example(CLASS_NUMBER + b"\xff" * 10)
@example(CLASS_NUMBER + b"\x7f" + b"\xff" * 7 + b"\x00\x00")
def test_a_foreign_key_is_refused_or_exact(key: bytes) -> None:
    try:
        value = decode_sort_key(key)
    except InvalidRecord:
        return
    assert is_truncated(key) or sort_key(value) == key
