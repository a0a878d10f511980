"""`F("year") >= 2020`: filters written as Python expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, cast

from typing_extensions import override

from polystore.filters.ast import (
    Compare,
    ContainsAll,
    ContainsAny,
    Exists,
    Filter,
    In,
    IsNull,
    Not,
    StartsWith,
)
from polystore.filters.path import Path, parse_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polystore.filters.ast import CompareOp
    from polystore.filters.operands import Operand, Scalar


# The nodes check operands and bring them to one form; only the type checker must be told.
def _compare(path: Path, op: CompareOp, value: object) -> Compare:
    return Compare(path, op, cast("Scalar", value))


def _values(values: Iterable[Operand]) -> tuple[Scalar, ...]:
    return cast("tuple[Scalar, ...]", values)


class F:
    """A field, whose comparisons are filters.

    `F("a.b")` is field b of object a; several arguments, or a tuple, are literal keys:
    `F("a", "b.c")`, `F(("b.c",))`. `F.meta("created_at")` is a system field.

    Raises:
        InvalidFilter: No such path can exist; or, in a comparison, the operand does not fit.
    """

    __slots__ = ("path",)

    path: Path

    def __init__(self, path: str | Sequence[str] | Path, /, *more: str) -> None:
        self.path = Path((path, *more)) if more and isinstance(path, str) else parse_path(path)

    @staticmethod
    def meta(name: str) -> F:
        """Return the system field `name`: id, version, created_at, updated_at, expires_at, labels.

        `labels` exists on graph nodes only.
        """
        return F(Path((name,), meta=True))

    # Typeshed says that comparing for equality gives a bool; here it gives a filter, on purpose.
    @override
    def __eq__(self, value: object) -> Filter:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _compare(self.path, "eq", value)

    @override
    def __ne__(self, value: object) -> Filter:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Not(_compare(self.path, "eq", value))

    def __gt__(self, value: Operand) -> Filter:
        return _compare(self.path, "gt", value)

    def __ge__(self, value: Operand) -> Filter:
        return _compare(self.path, "gte", value)

    def __lt__(self, value: Operand) -> Filter:
        return _compare(self.path, "lt", value)

    def __le__(self, value: Operand) -> Filter:
        return _compare(self.path, "lte", value)

    def is_in(self, values: Iterable[Operand]) -> Filter:
        """Match where the field equals one of `values`."""
        return In(self.path, _values(values))

    def not_in(self, values: Iterable[Operand]) -> Filter:
        """Match where the field equals none of `values`, or is missing."""
        return Not(In(self.path, _values(values)))

    def exists(self) -> Filter:
        """Match where the field is present, with null too."""
        return Exists(self.path)

    def is_null(self) -> Filter:
        """Match where the field is present and null."""
        return IsNull(self.path)

    def contains(self, value: Operand) -> Filter:
        """Match where the field is an array with an element equal to `value`."""
        return ContainsAll(self.path, _values((value,)))

    def contains_any(self, values: Iterable[Operand]) -> Filter:
        """Match where the field is an array with one of `values`; never, of none."""
        return ContainsAny(self.path, _values(values))

    def contains_all(self, values: Iterable[Operand]) -> Filter:
        """Match where the field is an array with all of `values`; any array, of none."""
        return ContainsAll(self.path, _values(values))

    def starts_with(self, prefix: str) -> Filter:
        """Match where the field is a string that starts with `prefix`."""
        return StartsWith(self.path, prefix)

    def _needs_parentheses(self, _other: object) -> NoReturn:
        raise TypeError("& and | bind closer than comparisons: write (F('a') == 1) & (F('b') > 2)")

    __and__ = __rand__ = __or__ = __ror__ = _needs_parentheses

    def __bool__(self) -> NoReturn:
        raise TypeError("a field is neither true nor false: compare it, or use exists()")

    @override
    def __repr__(self) -> str:
        return f"F({str(self.path)!r})"
