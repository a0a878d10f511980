from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from polystore.errors import InvalidFilter
from polystore.filters import (
    MAX_DEPTH,
    MAX_VALUES,
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
    Visitor,
    parse_path,
)

from .strategies import FILTERS, PATHS

if TYPE_CHECKING:
    from collections.abc import Callable

A = Path(("a",))
YES = F("a").exists()


@given(PATHS)
def test_the_text_of_a_path_means_the_same_path(path: Path) -> None:
    assert parse_path(str(path)) == path


@pytest.mark.parametrize(
    ("given_path", "path"),
    [
        (F("a.b").path, Path(("a", "b"))),
        (F("a", "b.c").path, Path(("a", "b.c"))),
        (F(("b.c",)).path, Path(("b.c",))),
        (F(["a", "b"]).path, Path(("a", "b"))),
        (F('["b.c", ""]').path, Path(("b.c", ""))),
        (F("meta:id").path, Path(("id",), meta=True)),
        (F.meta("labels").path, Path(("labels",), meta=True)),
        (F("meta", "id").path, Path(("meta", "id"))),
    ],
)
def test_paths_are_understood(given_path: Path, path: Path) -> None:
    assert given_path == path
    assert parse_path(path) is path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.",
        ".a",
        "a..b",
        "[",
        "[0]",
        "[]",
        '{"a":1}x.',
        "a\x00",
        "\ud800",
        "meta:",
        "meta:name",
        "meta:id.x",
        (),
        ("a", 0),
        [None],
        ("a",) * 65,
    ],
)
def test_bad_paths_are_refused(path: Any) -> None:
    with pytest.raises(InvalidFilter):
        parse_path(path)


def test_text_is_not_taken_for_a_tuple_of_keys() -> None:
    with pytest.raises(InvalidFilter):
        Path("abc")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidFilter):
        Exists("abc")  # pyright: ignore[reportArgumentType]


def test_a_misspelt_system_field_is_named_with_the_right_one() -> None:
    with pytest.raises(InvalidFilter, match=r"'create_at'.*'created_at'"):
        F.meta("create_at")


@pytest.mark.parametrize(
    "value",
    [
        [1],
        (1,),
        {"a": 1},
        {1},
        frozenset[int](),
        b"x",
        2**63,
        -(2**63) - 1,
        math.nan,
        math.inf,
        "a\x00",
        "\ud800",
        datetime(2024, 1, 1),  # noqa: DTZ001 - naive on purpose
        date(2024, 1, 1),
        object(),
        F("b"),
        YES,
    ],
)
def test_operands_that_are_no_scalars_are_refused(value: Any) -> None:
    for make in (
        lambda: F("a") == value,
        lambda: F("a") != value,
        lambda: F("a") > value,
        lambda: F("a").is_in([value]),
        lambda: F("a").contains(value),
        lambda: F("a").starts_with(value),
    ):
        with pytest.raises(InvalidFilter, match="'a'"):
            make()


@pytest.mark.parametrize("value", [None, True, False])
@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte"])
def test_what_has_no_order_is_refused(op: Any, value: Any) -> None:
    with pytest.raises(InvalidFilter, match="has no order"):
        Compare(A, op, value)


@pytest.mark.parametrize("op", ["ne", "nin", "equals", "", None, "EQ"])
def test_unknown_comparisons_are_refused(op: Any) -> None:
    with pytest.raises(InvalidFilter, match="no comparison"):
        Compare(A, op, 1)


@pytest.mark.parametrize("values", ["abc", b"abc", {"a": 1}, 5, None, F("a")])
@pytest.mark.parametrize("kind", [In, ContainsAny, ContainsAll])
def test_lists_must_be_lists(kind: Any, values: Any) -> None:
    with pytest.raises(InvalidFilter, match="not a list"):
        kind(A, values)


@pytest.mark.parametrize("value", [1, None, True, datetime(2024, 1, 1, tzinfo=UTC), ["a"]])
def test_a_prefix_must_be_text(value: Any) -> None:
    with pytest.raises(InvalidFilter, match="starts_with"):
        StartsWith(A, value)


def test_values_are_limited() -> None:
    assert len(In(A, tuple(range(MAX_VALUES))).values) == MAX_VALUES
    with pytest.raises(InvalidFilter, match="10001 values"):
        In(A, tuple(range(MAX_VALUES + 1)))


def test_depth_is_limited() -> None:
    node: Filter = YES
    for _ in range(MAX_DEPTH - 1):
        node = Not(node)
    assert node.depth == MAX_DEPTH
    wrappings: list[Callable[[Filter], Filter]] = [
        Not,
        lambda item: And((item,)),
        lambda item: Or((YES, item)),
    ]
    for wrap in wrappings:
        with pytest.raises(InvalidFilter, match="nested 65 deep"):
            wrap(node)


def test_chains_stay_flat() -> None:
    node: Filter = F("n") == 0
    other = node
    for i in range(1, 500):
        node = node & (F("n") == i)
        other = (F("n") == i) | other
    assert isinstance(node, And)
    assert isinstance(other, Or)
    assert len(node.items) == len(other.items) == 500
    assert node.depth == other.depth == 2


def test_values_take_one_form() -> None:
    assert math.copysign(1, (F("a") == -0.0).value) == 1  # pyright: ignore
    stamp = F("a") == datetime(2024, 1, 1, tzinfo=UTC)
    assert stamp == (F("a") == "2024-01-01T00:00:00.000000Z")
    assert In(A, (1, True, 1.0, "1", 1, None)).values == (1, True, "1", None)
    assert F("a").contains_all([1, 1]) == F("a").contains(1)


def test_members_of_enums_are_their_values() -> None:
    class Colour(Enum):
        RED = "red"
        MANY = ("red", "green")

    class Level(IntEnum):
        LOW = 1

    assert (F("a") == Colour.RED) == (F("a") == "red")
    assert type((F("a") > Level.LOW).value) is int  # pyright: ignore
    with pytest.raises(InvalidFilter, match="not a scalar"):
        F("a") == Colour.MANY  # pyright: ignore[reportUnusedExpression]  # noqa: B015


def test_a_filter_equals_only_filters() -> None:
    assert YES != "a"
    assert F("a").path != YES


def test_equality_tells_true_from_one() -> None:
    assert (F("a") == 1) != (F("a") == True)  # noqa: E712
    assert In(A, (0,)) != In(A, (False,))
    assert ContainsAll(A, (1,)) != ContainsAny(A, (1,))
    assert And((YES,)) != Or((YES,))
    assert (F("a") == 1) == (F("a") == 1.0)
    assert hash(F("a") == 1) == hash(F("a") == 1.0)
    assert len({F("a") == 1, F("a") == True, F("a") == 1, YES, IsNull(A)}) == 4  # noqa: E712


@given(FILTERS)
def test_nodes_copy_pickle_and_hash(node: Filter) -> None:
    for twin in (copy.deepcopy(node), pickle.loads(pickle.dumps(node))):  # noqa: S301 - our own
        assert twin == node
        assert hash(twin) == hash(node)
        assert twin.depth == node.depth
    assert ~Not(node) == node


def test_nodes_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        YES.path = A  # pyright: ignore
    assert not hasattr(YES, "__dict__")


def test_filters_are_not_truth_values() -> None:
    for use in (
        lambda: bool(YES),
        lambda: 1 < F("x") < 3,
        lambda: YES and YES,
        lambda: not YES,  # pyright: ignore[reportGeneralTypeIssues] - the trap itself
        lambda: F("x") in [1, 2],
    ):
        with pytest.raises(TypeError, match=r"with & \| ~"):
            use()
    with pytest.raises(TypeError, match="compare it"):
        bool(F("x"))


def test_missing_parentheses_are_explained() -> None:
    field: Any = F("a")
    for use in (
        lambda: field == 1 & field,
        lambda: field > 1 | field,
        lambda: field & field,
        lambda: field | YES,
    ):
        with pytest.raises(TypeError, match="closer than comparisons"):
            use()
    with pytest.raises(InvalidFilter, match="stands where a filter belongs"):
        YES & 1  # pyright: ignore
    with pytest.raises(InvalidFilter):
        And(("x",))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidFilter):
        Not({})  # pyright: ignore[reportArgumentType]


def test_fields_have_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(F("a"))
    assert repr(F("a", "b.c")) == """F('["a","b.c"]')"""


def test_reflected_comparisons() -> None:
    assert (2020 <= F("a")) == (F("a") >= 2020)  # noqa: SIM300
    assert (1 == F("a")) == (F("a") == 1)  # noqa: SIM300
    assert (1 != F("a")) == ~(F("a") == 1)  # noqa: SIM300


META = F.meta


@pytest.mark.parametrize(
    "make",
    [
        lambda: META("id") == 1,
        lambda: META("id") == None,  # noqa: E711
        lambda: META("id").contains("a"),
        lambda: META("id").is_in(["a", 1]),
        lambda: META("version") == "1",
        lambda: META("version") == True,  # noqa: E712
        lambda: META("version").starts_with("1"),
        lambda: META("created_at") == 5,
        lambda: META("created_at") > "2024-01-01",
        lambda: META("created_at") > "yesterday",
        lambda: META("created_at") > "2024-01-01T00:00:00",
        lambda: META("created_at").starts_with("2024"),
        lambda: META("expires_at") == None,  # noqa: E711
        lambda: META("expires_at").is_null(),
        lambda: META("labels") == "a",
        lambda: META("labels").is_in(["a"]),
        lambda: META("labels").contains(1),
        lambda: META("labels").starts_with("a"),
    ],
)
def test_operands_must_fit_system_fields(make: Any) -> None:
    with pytest.raises(InvalidFilter, match="meta:"):
        make()


def test_a_visitor_that_forgets_a_node_cannot_be_made() -> None:
    class Half(Visitor[str]):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Half()  # pyright: ignore[reportAbstractUsage]
