"""Counting documents by the values of a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.types.records import FieldCount
from polystore.types.sortkey import decode_sort_key, is_truncated, sort_key
from polystore_postgres.filters import compile_filter
from polystore_postgres.parameters import Parameters

if TYPE_CHECKING:
    from polystore.filters import Filter, Path
    from polystore_postgres.lanes import Reads
    from polystore_postgres.pages import PageTable


class ValueCounter:
    """Answers one `count_by`.

    Args:
        lane: Where it reads.
        table: What is counted.
        workspace: Whose documents.
        filter_: Which of them; None for all.
    """

    def __init__(
        self,
        lane: Reads,
        table: PageTable,
        workspace: str,
        filter_: Filter | None,
    ) -> None:
        self._lane = lane
        self._table = table
        self._workspace = workspace
        self._filter = filter_

    async def by(self, path: Path) -> list[FieldCount]:
        """Return the count of each scalar value, in the order of sort keys, then of text."""
        fields = self._table.fields
        if path.meta:
            column = fields.meta.get(path.parts[0])
            return [] if column is None else await self._by_values(column, f"{column} IS NOT NULL")
        column = fields.columns.get(path)
        if column is not None:
            return await self._by_keys(path, column)
        return await self._by_json(path)

    async def _by_keys(self, path: Path, column: str) -> list[FieldCount]:
        """Count keys, which needs nothing but the index; long strings once more by themselves."""
        scalar = f"{column} > '\\x00'::bytea AND {column} < '\\x06'::bytea"
        rows = await self._fetch(column, scalar, Parameters())
        whole = [row for row in rows if not is_truncated(row[0])]
        counts = [FieldCount(decode_sort_key(key), count) for key, count in whole]
        cut = [row[0] for row in rows if is_truncated(row[0])]
        if not cut:
            return counts
        parameters = Parameters()
        long = f"{column} = ANY({parameters.add(cut, 'bytea[]')})"
        return _in_order(counts + await self._by_json(path, long, parameters))

    async def _by_json(
        self, path: Path, condition: str | None = None, parameters: Parameters | None = None
    ) -> list[FieldCount]:
        parameters = parameters or Parameters()
        keys = [parameters.add(part, "text") for part in path.parts]
        value = f"({' -> '.join([self._table.fields.data, *keys])})"
        scalar = f"jsonb_typeof({value}) NOT IN ('array', 'object')"
        where = scalar if condition is None else f"{scalar} AND {condition}"
        rows = await self._fetch(value, where, parameters)
        return _in_order([FieldCount(_plain(row[0]), row[1]) for row in rows])

    async def _by_values(self, column: str, condition: str) -> list[FieldCount]:
        rows = await self._fetch(column, condition, Parameters())
        return _in_order([FieldCount(_plain(row[0]), row[1]) for row in rows])

    async def _fetch(self, value: str, condition: str, parameters: Parameters) -> list[Any]:
        values = parameters.values
        where = f"t.workspace = {parameters.add(self._workspace, 'text')} AND {condition}"
        if self._filter is not None:
            where += f" AND {compile_filter(self._filter, self._table.fields, values)}"
        return await self._lane.fetch(
            f"SELECT {value}, count(*) FROM {self._table.name} AS t WHERE {where} "  # noqa: S608
            "GROUP BY 1 ORDER BY 1",
            *values,
        )


def _plain(value: Any) -> Any:
    """Return a value as the portable form of its sort key has it; long strings are whole."""
    return value if isinstance(value, str) else decode_sort_key(sort_key(value))


def _in_order(counts: list[FieldCount]) -> list[FieldCount]:
    return sorted(counts, key=lambda item: (sort_key(item.value), _text(item.value)))


def _text(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else b""
