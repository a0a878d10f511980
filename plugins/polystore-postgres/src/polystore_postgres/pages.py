"""Keyset pages: the statement that reads the rows after a position, in an order.

However far in, a page costs what it returns: with every key ascending, one row comparison is one
range of the index. With descending keys there is no such range, but one for each way to come
after the position: alike in the first n keys and beyond it in the next. Each is read from the
index in order, and the best of them are the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_postgres.filters import compile_filter
from polystore_postgres.parameters import Parameters
from polystore_postgres.sorts import sort_parts

if TYPE_CHECKING:
    from polystore.stores.queries import FindQuery
    from polystore_postgres.filters import FilterTable
    from polystore_postgres.sorts import SortPart


@dataclass(frozen=True, slots=True)
class PageTable:
    """What pages are read from.

    Attributes:
        name: The table, quoted, with its schema; statements call it `t`.
        columns: What to return.
        fields: Where filters and orders find things, such as `t.data`.
        id: The column that breaks ties.
    """

    name: str
    columns: tuple[str, ...]
    fields: FilterTable
    id: str = "id"


def page_statement(table: PageTable, workspace: str, query: FindQuery) -> tuple[str, list[object]]:
    """Return the statement that answers `query` in a workspace, and its parameters."""
    values: list[object] = [workspace]
    parameters = Parameters(values)
    where = "t.workspace = $1"
    if query.filter is not None:
        where += f" AND {compile_filter(query.filter, table.fields, values)}"
    parts = sort_parts(query.sort, table.fields, parameters)
    order = _order(table, parts)
    limit = f"LIMIT {parameters.add(query.limit, 'bigint')}"
    if query.offset:
        limit += f" OFFSET {parameters.add(query.offset, 'bigint')}"
    if query.after is None:
        return _select(table, where, order, limit), values
    after = _Position(table, query.after, parts, parameters)
    if not any(part.descending for part in parts):
        return _select(table, f"{where} AND {after.in_one_range()}", order, limit), values
    ways = after.ways()
    if not all(part.indexed for part in parts):
        either = " OR ".join(f"({way})" for way in ways)
        return _select(table, f"{where} AND ({either})", order, limit), values
    return _union(table, where, parts, ways, limit), values


class _Position:
    """A place in an order, and the conditions for coming after it."""

    def __init__(
        self,
        table: PageTable,
        after: tuple[tuple[bytes, ...], str],
        parts: list[SortPart],
        parameters: Parameters,
    ) -> None:
        keys, id_ = after
        self._id = f"t.{table.id}"
        self._parts = parts
        self._values = [
            [
                parameters.add(value, type_)
                for value, type_ in zip(part.values(key), part.types, strict=True)
            ]
            # A last key that is the id's own is no part: the id says it.
            for part, key in zip(parts, keys, strict=False)
        ]
        self._id_value = parameters.add(id_, "text")

    def in_one_range(self) -> str:
        """Return the condition where every key ascends."""
        left = [expression for part in self._parts for expression in part.expressions]
        right = [value for values in self._values for value in values]
        return _row(">", [*left, self._id], [*right, self._id_value])

    def ways(self) -> list[str]:
        """Return conditions that exclude one another and together are the one asked for."""
        alike: list[str] = []
        found: list[str] = []
        for part, values in zip(self._parts, self._values, strict=True):
            beyond = _row("<" if part.descending else ">", list(part.expressions), values)
            found.append(" AND ".join([*alike, beyond]))
            alike.append(_row("=", list(part.expressions), values))
        found.append(" AND ".join([*alike, f"{self._id} > {self._id_value}"]))
        return found


def _select(table: PageTable, where: str, order: str, limit: str, keys: str = "") -> str:
    columns = ", ".join(f"t.{column}" for column in table.columns)
    return (
        f"SELECT {columns}{keys}\n  FROM {table.name} AS t\n WHERE {where}\n"  # noqa: S608  our own names
        f" ORDER BY {order}\n {limit}"
    )


def _union(table: PageTable, where: str, parts: list[SortPart], ways: list[str], limit: str) -> str:
    keys = "".join(f", {part.expressions[0]} AS s{n}" for n, part in enumerate(parts))
    order = _order(table, parts)
    branches = [_select(table, f"{where} AND {way}", order, limit, keys) for way in ways]
    union = "\n) UNION ALL (\n".join(branches)
    outer = ", ".join([*(f"s{n}{_word(part)}" for n, part in enumerate(parts)), table.id])
    columns = ", ".join(table.columns)
    return f"SELECT {columns} FROM ((\n{union}\n)) AS u\n ORDER BY {outer}\n {limit}"  # noqa: S608  our own names


def _order(table: PageTable, parts: list[SortPart]) -> str:
    keys = [f"{expression}{_word(part)}" for part in parts for expression in part.expressions]
    return ", ".join([*keys, f"t.{table.id}"])


def _word(part: SortPart) -> str:
    return " DESC" if part.descending else ""


def _row(sign: str, left: list[str], right: list[str]) -> str:
    if len(left) == 1:
        return f"{left[0]} {sign} {right[0]}"
    return f"({', '.join(left)}) {sign} ({', '.join(right)})"
