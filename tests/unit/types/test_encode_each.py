"""Many values written at once, as each alone."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polystore.errors import InvalidRecord
from polystore.types.json_domain import check_json, decode_json, encode_each, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterator


class Colour(Enum):
    NONE = None


SCALARS = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=3),
    st.datetimes(),
    st.uuids(),
    st.sampled_from(["null", "\\u0000", "-0.0", "9" * 19, 2**53 + 1, -0.0, 1e300]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(st.one_of(st.text(), st.integers()), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(st.lists(ANYTHING, max_size=5))
@example([{"a": math.nan}, None])
@example([[1], {"a": None, "b": math.inf}])
@example([None, (None, math.nan)])
@example([Colour.NONE, {"a": -0.0}])
@example([2**63, 1])
@example([{"a": "\x00"}, 1])
@example([b"", "x"])
@example(["1234567890123456789012", 12345678901234567])
def test_many_at_once_are_written_and_refused_as_each_alone(values: list[Any]) -> None:
    try:
        alone = [encode_json(value, what=f"row {row}") for row, value in enumerate(values)]
    except InvalidRecord:
        with pytest.raises(InvalidRecord) as caught:
            encode_each(values, lambda row: f"row {row}")
        refused = [row for row, value in enumerate(values) if _is_refused(value)]
        assert caught.value.message.startswith(tuple(f"row {row}" for row in refused))
        return
    assert encode_each(iter(values), lambda row: f"row {row}") == alone


def _is_refused(value: Any) -> bool:
    try:
        check_json(value)
    except InvalidRecord:
        return True
    return False


def test_one_object_used_again_for_every_row_is_written_as_it_was() -> None:
    shared: dict[str, Any] = {}

    def rows() -> Iterator[dict[str, Any]]:
        for n in range(2500):
            shared["n"] = -0.0 if n == 7 else None if n % 3 else n
            yield shared

    texts = encode_each(rows(), lambda row: f"row {row}")
    values = [0.0 if n == 7 else None if n % 3 else n for n in range(2500)]
    assert [decode_json(text)["n"] for text in texts] == values
    assert b"-" not in texts[7]
