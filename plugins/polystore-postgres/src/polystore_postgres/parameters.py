"""The parameters of one statement, collected while its text is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from polystore.types.json_domain import MAX_INTEGER, MIN_INTEGER

if TYPE_CHECKING:
    from collections.abc import Iterable


class Parameters:
    """Parameters `$1`, `$2`, ...; `values` goes to the driver.

    Args:
        values: Those that the statement has already; further ones are appended to this very list.
    """

    __slots__ = ("values",)

    def __init__(self, values: list[Any] | None = None) -> None:
        self.values: list[Any] = [] if values is None else values

    def add(self, value: object, type_: str) -> str:
        """Append `value` and return the expression that stands for it, of SQL type `type_`."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"

    def json(self, value: object) -> str:
        """Append a JSON value."""
        return self.add(json_operand(value), "jsonb")

    def json_array(self, values: Iterable[object]) -> str:
        """Append an SQL array of JSON values."""
        return self.add([json_operand(value) for value in values], "jsonb[]")


def json_operand(value: object) -> bytes:
    """Return the JSON text of `value` (a scalar, or a list of them), exact as jsonb takes it.

    The shortest text of a whole float past 2**53 is not its exact value, which jsonb would
    compare with integers; so it is written as the integer that it is.
    """
    if isinstance(value, list):
        return b"[" + b",".join(map(json_operand, value)) + b"]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, float) and value.is_integer() and MIN_INTEGER <= value <= MAX_INTEGER:
        return orjson.dumps(int(value))
    return orjson.dumps(value)
