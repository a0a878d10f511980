"""Rows to ask filters of, and what the reference says about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polystore.filters import Path, compile_predicate, operators
from polystore.testing.values import ODD_TEXTS
from polystore.types.sortkey import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter
    from polystore.stores.filtering import FilterLike

_LONG = "long " * 120

SCALARS: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    10,
    0.5,
    -0.5,
    1.5,
    0.1,
    2**31,
    2**53 - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 2,
    2**63 - 1,
    -(2**63),
    1e16,
    1e308,
    -1e308,
    5e-324,
    "",
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "B",
    "0",
    "1",
    "10",
    "2",
    "true",
    "null",
    "é",
    "e\u0301",
    "z",
    "ß",
    "\uffff",
    "😀",
    "%",
    "_",
    "a%",
    "a_",
    "\\",
    "'",
    '"',
    "$1",
    ":x",
    " a",
    "a ",
    "2024-01-01T00:00:00.000000Z",
    "2024-01-01T00:00:00.000001Z",
    "1999-12-31T23:59:59.999999Z",
    _LONG + "a",
    _LONG + "b",
    _LONG,
)
"""Values near one another: every pair is a chance to confuse kinds, cases, wildcards, doubles."""

CONTAINERS: Final[tuple[Any, ...]] = (
    [],
    [None],
    [1],
    [1, 2],
    [2, 1, 1],
    ["1"],
    ["a"],
    ["a", "b"],
    ["b", "A", None],
    [True],
    [False, 0],
    [1.5, "a", [1], {"x": 1}],
    [["a"]],
    [{"x": "a"}],
    [2**53 + 1],
    [2**53],
    ["%", "_", "'", '"', "\\", "é"],
    {},
    {"x": 1},
    {"x": None},
    {"x": "a"},
    {"x": {"y": 1}},
    {"a": "a"},
    {"1": 1},
)
VALUES: Final[tuple[Any, ...]] = (MISSING, *SCALARS, *CONTAINERS)

FREE_FIELDS: Final[dict[tuple[str, ...], Sequence[Any]]] = {
    ("v",): VALUES,
    ("n",): (1, MISSING, 2.5, None, "1", 1, 3, -1),
    ("group",): ("x", "y", MISSING, None),
    ("in", "x"): VALUES,
    ("tags",): (*CONTAINERS, MISSING, None, "a"),
    ("a.b",): SCALARS,
    ("",): (1, "a", MISSING),
    ("q\"'",): (1, "a", MISSING, True),
    ("%",): (1, "a", MISSING),
    ("$gt",): (1, "a", MISSING),
    ("é",): (1, "a", MISSING),
}
"""Fields that nothing is declared about, by path."""


EDGE_PATHS: Final = (
    Path(("absent",)),
    Path(("in",)),
    Path(("v", "x")),
    Path(("v", "x", "y")),
    Path(("in", "x", "x")),
    Path(("n", "absent")),
    Path(("tags", "0")),
    Path(("row",)),
)
"""Paths that lead nowhere, to an object, through a scalar, or into an array."""


def fits(value: Any, largest: int) -> bool:
    """Return whether filters on `value` are exact, given `limits.max_exact_integer`."""
    if isinstance(value, list | tuple):
        return all(fits(item, largest) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, bool) or not isinstance(value, int) or abs(value) <= largest


def build_objects(
    fields: Mapping[tuple[str, ...], Sequence[Any]], rows: int, largest: int
) -> dict[str, dict[str, Any]]:
    """Return `rows` objects by odd ids, the values of each field in turn, out of step."""
    objects: dict[str, dict[str, Any]] = {}
    for row in range(rows):
        data: dict[str, Any] = {"row": row}
        for number, (path, choices) in enumerate(fields.items()):
            value = choices[(row * (2 * number + 1) + number) % len(choices)]
            if value is not MISSING and fits(value, largest):
                _put(data, path, value)
        objects[ODD_TEXTS[row]] = data
    return objects


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        data = data.setdefault(key, {})
    data[path[-1]] = value


ROWS: Final = min(len(VALUES), len(ODD_TEXTS))


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row as it was read back: its fields and its system fields."""

    id: str
    data: dict[str, Any]
    meta: dict[str, Any]


class Corpus(ABC):
    """Rows in a store, and the two ways to ask: of the store and of the reference."""

    ordered = True
    """Whether the store answers in order of id."""
    main_paths: Sequence[Path] = (Path(("v",)), Path(("in", "x")), Path(("tags",)))
    """Paths that get every operand."""
    all_paths: Sequence[Path] = (*map(Path, FREE_FIELDS), *EDGE_PATHS)

    def __init__(self, rows: list[Row], capabilities: Capabilities) -> None:
        self.rows = sorted(rows, key=lambda row: row.id)
        self.capabilities = capabilities

    @abstractmethod
    async def ids(self, filter_: FilterLike) -> list[str]:
        """Return the ids of the rows that the store says match."""

    @abstractmethod
    async def count(self, filter_: FilterLike) -> int:
        """Return how many rows the store says match."""

    def lacking(self, filter_: Filter) -> set[str]:
        """Return what `filter_` needs and is not declared."""
        return {f"filter {op}" for op in operators(filter_) - self.capabilities.filters}

    def can(self, filter_: Filter) -> bool:
        """Return whether everything that `filter_` needs is declared."""
        return not self.lacking(filter_)

    def expected(self, filter_: Filter) -> list[str]:
        """Return the ids of the rows that match by the definition of filters."""
        predicate = compile_predicate(filter_)
        return [row.id for row in self.rows if predicate(row.data, row.meta)]

    async def problem(self, filter_: Filter) -> str | None:
        """Return how the store's answer differs from the definition, or None."""
        found, expected = await self.ids(filter_), self.expected(filter_)
        if (found if self.ordered else sorted(found)) == expected:
            return None
        by_id = {row.id: row.data for row in self.rows}
        missing = {id_: by_id[id_] for id_ in expected if id_ not in found}
        surplus = {id_: by_id.get(id_) for id_ in found if id_ not in expected}
        if not missing and not surplus:
            return f"{filter_!r}: twice, or in a wrong order: {found!r}"
        return f"{filter_!r}: missing {_few(missing)}, surplus {_few(surplus)}"


def _few(rows: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{id_!r}: {str(data)[:200]}" for id_, data in list(rows.items())[:2])
    return f"{len(rows)} ({shown})" if rows else "none"
