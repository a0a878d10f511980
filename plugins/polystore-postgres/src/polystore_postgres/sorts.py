"""Orders in SQL: what to sort by, and which rows come after a position.

Every order is by the portable sort keys of its fields, then by id. A declared field has its key
in a column. A system field has a column whose own order is that of the keys. Of any other field
the parts of the key are computed while sorting: class, number, text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from polystore.errors import InvalidFilter
from polystore.filters import Path
from polystore.stores.queries import Sort
from polystore.types.json_domain import parse_datetime
from polystore.types.sortkey import (
    CLASS_NUMBER,
    CLASS_STRING,
    MAX_STRING_BYTES,
    decode_sort_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore_postgres.filters import FilterTable
    from polystore_postgres.parameters import Parameters

_CLASS: Final = """(CASE jsonb_typeof({v}) WHEN 'null' THEN 1
 WHEN 'boolean' THEN CASE WHEN {v} = 'true'::jsonb THEN 3 ELSE 2 END
 WHEN 'number' THEN 4 WHEN 'string' THEN 5 WHEN 'array' THEN 6 WHEN 'object' THEN 6 ELSE 0 END)"""
_NUMBER: Final = "(CASE WHEN jsonb_typeof({v}) = 'number' THEN ({v})::numeric ELSE 0 END)"
_KEY_OF_TEXT: Final = (
    f"(substring({{t}} FROM 1 FOR {MAX_STRING_BYTES}) || "
    f"CASE WHEN octet_length({{t}}) > {MAX_STRING_BYTES} "
    "THEN '\\x01'::bytea ELSE '\\x00'::bytea END)"
)
"""The sort key of bytes of UTF-8, without the byte of its class."""
_TEXT: Final = (
    "(CASE WHEN jsonb_typeof({v}) = 'string' THEN "
    + _KEY_OF_TEXT.replace("{t}", "convert_to({v} #>> '{{}}', 'UTF8')")
    + " ELSE '\\x'::bytea END)"
)
_BY_ID: Final = Sort(Path(("id",), meta=True))


@dataclass(frozen=True, slots=True)
class SortPart:
    """One key of an order.

    Attributes:
        expressions: SQL, most significant first; never NULL.
        types: The SQL type of each.
        descending: Whether all of them descend.
        indexed: Whether an index can be in this order.
    """

    expressions: tuple[str, ...]
    types: tuple[str, ...]
    descending: bool
    indexed: bool

    def values(self, key: bytes) -> tuple[object, ...]:
        """Return what the expressions are for a row with this sort key.

        Raises:
            InvalidFilter: No row of this order has such a key.
        """
        type_, *more = self.types
        if more:
            return _computed(key)
        if type_ == "bytea":
            return (key,)
        value = decode_sort_key(key)
        if type_ == "timestamptz" and isinstance(value, str):
            return (parse_datetime(value),)
        if type_ == "bigint" and isinstance(value, int):
            return (value,)
        raise InvalidFilter("the cursor is damaged", hint="Start at the first page")


def sort_parts(sort: Sequence[Sort], table: FilterTable, parameters: Parameters) -> list[SortPart]:
    """Return the SQL of an order over `table`; the id, which comes last, is not among them."""
    if sort and sort[-1] == _BY_ID:
        sort = sort[:-1]  # ties are in this order anyhow
    return [_part(part, table, parameters) for part in sort]


def _part(sort: Sort, table: FilterTable, parameters: Parameters) -> SortPart:
    path = sort.path
    if path.meta:
        return _system_part(path, table, descending=sort.descending)
    column = table.columns.get(path)
    if column is not None:
        return SortPart((column,), ("bytea",), sort.descending, indexed=True)
    keys = [parameters.add(part, "text") for part in path.parts]
    value = f"({' -> '.join([table.data, *keys])})"
    expressions = tuple(part.format(v=value) for part in (_CLASS, _NUMBER, _TEXT))
    return SortPart(expressions, ("int", "numeric", "bytea"), sort.descending, indexed=False)


def _system_part(path: Path, table: FilterTable, *, descending: bool) -> SortPart:
    name = path.parts[0]
    if name == "labels" and table.labels is not None:
        return SortPart(("'\\x06'::bytea",), ("bytea",), descending, indexed=False)
    column = table.meta.get(name)
    if column is None:  # no row has it
        return SortPart(("'\\x00'::bytea",), ("bytea",), descending, indexed=False)
    if path.system_kind == "string":
        # The key holds the beginning of a long id; where those are alike, ids ascend.
        key = _KEY_OF_TEXT.format(t=f"convert_to({column}, 'UTF8')")
        return SortPart((f"('\\x05'::bytea || {key})",), ("bytea",), descending, indexed=False)
    type_ = "bigint" if path.system_kind == "integer" else "timestamptz"
    return SortPart((column,), (type_,), descending, indexed=True)


def _computed(key: bytes) -> tuple[object, ...]:
    """Return class, number and text of a sort key, as the SQL computes them."""
    number = decode_sort_key(key) if key.startswith(CLASS_NUMBER) else 0
    text = key[1:] if key.startswith(CLASS_STRING) else b""
    return key[0], Decimal(repr(number)), text
