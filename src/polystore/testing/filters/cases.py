"""The questions: every operator with every operand that could be confused with another."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from polystore.filters import (
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
    Path,
    StartsWith,
)
from polystore.testing.filters.corpus import SCALARS, fits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from polystore.filters import CompareOp

_PREFIXES = (
    "",
    "a",
    "A",
    "a%",
    "%",
    "_",
    "\\",
    "'",
    "é",
    "e",
    "lo",
    "long " * 120,
    "\uffff",
    "2024",
)


class Cases:
    """Filters on given paths, by operator.

    Args:
        paths: Where to look.
        largest: `limits.max_exact_integer`; larger operands are left out.
    """

    def __init__(self, paths: Sequence[Path], largest: int) -> None:
        self._paths = paths
        self._scalars = [value for value in SCALARS if fits(value, largest)]
        self._ordered = [value for value in self._scalars if isinstance(value, int | float | str)]
        self._ordered = [value for value in self._ordered if not isinstance(value, bool)]
        self._makers: dict[str, Callable[[], Iterator[Filter]]] = {
            "eq": lambda: self._compare("eq"),
            "ne": lambda: map(Not, self._compare("eq")),
            "gt": lambda: self._compare("gt"),
            "gte": lambda: self._compare("gte"),
            "lt": lambda: self._compare("lt"),
            "lte": lambda: self._compare("lte"),
            "in": self._in,
            "nin": lambda: map(Not, self._in()),
            "exists": lambda: map(Exists, self._paths),
            "is_null": lambda: map(IsNull, self._paths),
            "contains": lambda: self._contains_all([(value,) for value in self._scalars]),
            "contains_any": self._contains_any,
            "contains_all": lambda: self._contains_all([(), *self._several()]),
            "starts_with": lambda: (
                StartsWith(path, prefix) for path, prefix in product(self._paths, _PREFIXES)
            ),
            "and": lambda: self._joined(And),
            "or": lambda: self._joined(Or),
            "not": self._negated,
        }

    def of(self, operator: str) -> Iterator[Filter]:
        """Yield filters whose outermost meaning is `operator`."""
        return self._makers[operator]()

    def _compare(self, op: CompareOp) -> Iterator[Filter]:
        operands = self._scalars if op == "eq" else self._ordered
        for path, value in product(self._paths, operands):
            yield Compare(path, op, value)

    def _several(self) -> list[tuple[Any, ...]]:
        pairs = list(pairwise(self._scalars))
        return [*pairs, (1, "1", True), ("a", None), tuple(self._scalars)]

    def _in(self) -> Iterator[Filter]:
        for path, values in product(self._paths, [(), *self._several()]):
            yield In(path, values)

    def _contains_any(self) -> Iterator[Filter]:
        for path, values in product(self._paths, [(), *self._several()]):
            yield ContainsAny(path, values)

    def _contains_all(self, operands: Sequence[tuple[Any, ...]]) -> Iterator[Filter]:
        for path, values in product(self._paths, operands):
            yield ContainsAll(path, values)

    def _simple(self) -> list[Filter]:
        first, last = self._paths[0], self._paths[-1]
        return [
            Compare(first, "eq", 1),
            Not(Compare(first, "eq", "a")),
            Compare(last, "gt", 0),
            Exists(last),
            IsNull(first),
            In(last, (1, "a", None)),
            ContainsAny(first, (1, "a")),
            Not(ContainsAll(last, ("a",))),
            StartsWith(first, "a"),
        ]

    def _joined(self, kind: type[And | Or]) -> Iterator[Filter]:
        yield kind(())
        for one, other in product(self._simple(), repeat=2):
            yield kind((one, other))
        other_kind = Or if kind is And else And
        for one, two in pairwise(self._simple()):
            yield kind((one, other_kind((two, Not(one))), Not(kind((two, other_kind(()))))))

    def _negated(self) -> Iterator[Filter]:
        for item in self._simple():
            yield Not(item)
            yield Not(Not(item))
        for item in self._joined(And):
            yield Not(item)
        for path in self._paths:
            yield Not(Exists(path))
            yield Not(IsNull(path))
            yield Not(StartsWith(path, "a"))
            yield Not(ContainsAny(path, ("a", 1)))
            yield Not(ContainsAll(path, ()))
            for op in ("gt", "gte", "lt", "lte"):
                yield Not(Compare(path, op, 1))
                yield Not(Compare(path, op, "a"))


def system_cases(rows: Sequence[Any]) -> Iterator[Filter]:
    """Yield filters on the system fields that all kinds have, given the stored rows."""
    some = [rows[0], rows[len(rows) // 2], rows[-1]]
    id_ = Path(("id",), meta=True)
    for row in rows:
        yield Compare(id_, "eq", row.id)
        yield Not(Compare(id_, "eq", row.id))
        yield StartsWith(id_, row.id[:1])
    yield In(id_, tuple(row.id for row in rows))
    yield Not(In(id_, tuple(row.id for row in some)))
    for row in some:
        for op in ("gt", "gte", "lt", "lte"):
            yield Compare(id_, op, row.id)
            for name in ("version", "created_at", "updated_at"):
                yield Compare(Path((name,), meta=True), op, row.meta[name])
        for name in ("version", "created_at", "updated_at"):
            yield Compare(Path((name,), meta=True), "eq", row.meta[name])
            yield Not(In(Path((name,), meta=True), (row.meta[name],)))
    for name in ("id", "version", "created_at", "updated_at", "expires_at", "labels"):
        yield Exists(Path((name,), meta=True))
        yield Not(Exists(Path((name,), meta=True)))
    for name in ("id", "version", "created_at"):
        # A user's field of that name is another thing.
        yield Exists(Path((name,)))
