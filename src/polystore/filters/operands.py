"""The right-hand sides of comparisons: checked and brought to one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from polystore.errors import InvalidFilter, InvalidRecord
from polystore.types.json_domain import check_json, format_datetime, parse_datetime, shorten

if TYPE_CHECKING:
    from polystore.filters.path import Path

Scalar: TypeAlias = bool | int | float | str | None
"""A value as a filter holds it: datetimes are fixed-width UTC text, -0.0 is 0.0."""

Operand: TypeAlias = Scalar | datetime
"""A value as it may be given to a filter."""

MAX_VALUES: Final = 10_000
"""How many values `in`, `contains_any` and `contains_all` take."""


def is_number(value: object) -> bool:
    """Return whether `value` is a number, which a bool is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def identity(value: Scalar) -> tuple[bool, Scalar]:
    """Return what two equal values have in common, as Python takes True and 1 for equal."""
    return isinstance(value, bool), value


def check_scalar(path: Path, op: str, value: object) -> Scalar:
    """Return `value` in its one form, for an operator that tests for equality.

    Raises:
        InvalidFilter: It is no scalar of the JSON domain, or does not fit the system field.
    """
    where = f"the operand of {op} on {shorten(str(path))}"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Mapping | Sequence | Set) and not isinstance(value, str):
        raise InvalidFilter(
            f"{where} is a {type(cast('object', value)).__name__}, not a scalar",
            hint="Use in to test against several values, contains... to look into an array, "
            "and a longer path to look into an object",
        )
    try:
        scalar = cast("Scalar", check_json(value, what=where))
    except InvalidRecord as error:
        raise InvalidFilter(error.message, hint=error.hint) from None
    if path.meta:
        _check_system_value(path, where, scalar)
        if path.system_kind == "datetime":
            return _datetime_text(where, cast("str", scalar))
    return scalar


def check_ordered(path: Path, op: str, value: object) -> int | float | str:
    """Return `value` in its one form, for gt, gte, lt and lte.

    Raises:
        InvalidFilter: As for `check_scalar`; or it has no order: null, a bool.
    """
    scalar = check_scalar(path, op, value)
    if isinstance(scalar, bool) or scalar is None:
        raise InvalidFilter(
            f"the operand of {op} on {shorten(str(path))} is {scalar}, which has no order",
            hint="Compare with a number, a text or a datetime; use eq for null and bool",
        )
    return scalar


def check_values(path: Path, op: str, values: Iterable[object]) -> tuple[Scalar, ...]:
    """Return `values` in their one form, each once, in the order given.

    Raises:
        InvalidFilter: There are too many, it is no list, or one of them is no scalar.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(cast("Any", values), Iterable):
        raise InvalidFilter(
            f"the operand of {op} on {shorten(str(path))} is a "
            f"{type(cast('object', values)).__name__}, not a list",
            hint="Put the values into a list",
        )
    items = list(values)
    if len(items) > MAX_VALUES:
        raise InvalidFilter(
            f"{op} on {shorten(str(path))} has {len(items)} values, the most are {MAX_VALUES}",
            hint="Ask in several calls",
        )
    unique: dict[tuple[bool, Scalar], Scalar] = {}
    for item in items:
        scalar = check_scalar(path, op, item)
        unique.setdefault(identity(scalar), scalar)
    return tuple(unique.values())


def check_prefix(path: Path, prefix: object) -> str:
    """Return `prefix`, which must be text.

    Raises:
        InvalidFilter: It is not, or the system field holds no text.
    """
    scalar = check_scalar(path, "starts_with", prefix)
    if not isinstance(scalar, str) or isinstance(prefix, datetime):
        raise InvalidFilter(
            f"the operand of starts_with on {shorten(str(path))} is not text",
            hint="Give the prefix as text",
        )
    return scalar


def _check_system_value(path: Path, where: str, value: Scalar) -> None:
    kind = path.system_kind
    if value is None:
        raise InvalidFilter(
            f"{where} is null, but a system field is never null",
            hint="Use exists to ask whether it is set",
        )
    fits = is_number(value) if kind == "integer" else isinstance(value, str)
    if not fits:
        expected = {"integer": "a number", "datetime": "a datetime or its text"}
        raise InvalidFilter(
            f"{where} is {shorten(value) if isinstance(value, str) else value}",
            hint=f"Give {expected.get(str(kind), 'a text')}",
        )


def _datetime_text(where: str, text: str) -> str:
    try:
        return format_datetime(parse_datetime(text))
    except InvalidRecord as error:
        raise InvalidFilter(f"{where}: {error.message}", hint=error.hint) from None
