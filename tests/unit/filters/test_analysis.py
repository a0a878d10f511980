"""What is read off a filter without evaluating it: operators, paths, constants."""

import pytest
from hypothesis import given

from polystore.filters import (
    OPERATORS,
    And,
    F,
    Filter,
    Not,
    Or,
    Path,
    constant,
    is_trivial,
    operators,
    paths,
)

from .strategies import FILTERS

A = Path(("a",))
YES = F("a").exists()


@pytest.mark.parametrize(
    ("node", "names"),
    [
        (F("a") == 1, {"eq"}),
        (F("a") != 1, {"ne"}),
        (F("a") > 1, {"gt"}),
        (F("a") >= 1, {"gte"}),
        (F("a") < 1, {"lt"}),
        (F("a") <= 1, {"lte"}),
        (F("a").is_in([1]), {"in"}),
        (F("a").not_in([1]), {"nin"}),
        (YES, {"exists"}),
        (F("a").is_null(), {"is_null"}),
        (F("a").contains(1), {"contains"}),
        (F("a").contains_any([1]), {"contains_any"}),
        (F("a").contains_all([1, 2]), {"contains_all"}),
        (F("a").contains_all([]), {"contains_all"}),
        (F("a").starts_with("x"), {"starts_with"}),
        (YES & (F("a") != 1), {"and", "exists", "ne"}),
        (YES | YES, {"or", "exists"}),
        (~YES, {"not", "exists"}),
        (~(YES | (F("b") > 1)), {"not", "or", "exists", "gt"}),
    ],
)
def test_operators_are_named(node: Filter, names: set[str]) -> None:
    assert operators(node) == names
    assert names <= set(OPERATORS)


def test_there_are_seventeen_operators() -> None:
    assert len(set(OPERATORS)) == len(OPERATORS) == 17


@given(FILTERS)
def test_operators_are_always_known(node: Filter) -> None:
    assert operators(node) <= set(OPERATORS)


def test_paths_are_collected() -> None:
    node = (F("a.b") == 1) & ~(F.meta("id").is_in(["x"]) | F("c").contains(1)) & (F("d") != 1)
    assert {str(path) for path in paths(node)} == {"a.b", "meta:id", "c", "d"}
    assert paths(And(())) == frozenset()


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (And(()), True),
        (Or(()), False),
        (Not(Or(())), True),
        (And((And(()), Not(Or(())))), True),
        (Or((YES, And(()))), True),
        (And((YES, Or(()))), False),
        (F("a").not_in([]), True),
        (F("a").is_in([]), False),
        (F("a").contains_any([]), False),
        (~F("a").contains_any([]), True),
        (F("a").contains_all([]), None),
        (YES, None),
        (And((YES, And(()))), None),
        (Or((YES, Or(()))), None),
        (~YES, None),
    ],
)
def test_structure_decides_some_filters(node: Filter, expected: bool | None) -> None:
    assert constant(node) is expected
    assert is_trivial(node) is (expected is True)
