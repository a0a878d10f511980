"""The parameters of one statement, collected while its text is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

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
        return self.add(orjson.dumps(value), "jsonb")

    def json_array(self, values: Iterable[object]) -> str:
        """Append an SQL array of JSON values."""
        return self.add([orjson.dumps(value) for value in values], "jsonb[]")
