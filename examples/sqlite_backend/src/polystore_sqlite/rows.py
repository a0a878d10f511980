"""What the drivers of all four kinds share: rows of a table, by workspace and id."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from typing_extensions import override

from polystore.stores.driver import Driver
from polystore.stores.queries import FindQuery
from polystore.types.json_domain import decode_json, encode_json, format_datetime, parse_datetime
from polystore.types.reports import Explanation
from polystore_sqlite.filters import condition, sort_key_of
from polystore_sqlite.plugin import CAPABILITIES
from polystore_sqlite.schema import table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import SearchQuery
    from polystore.types.batches import Stamp
    from polystore.types.call import Call
    from polystore_sqlite.connection import Connection, Row
    from polystore_sqlite.database import Database

T = TypeVar("T")
System = tuple[int, datetime, datetime]

CHOSEN = "IN (SELECT value FROM json_each(?))"
"""Any number of ids in one parameter."""


class Rows(Driver):
    """A store's table. Every hook is one function that `read` or `write` carries out."""

    extra: ClassVar[tuple[str, ...]] = ()
    """Columns that this kind has beside id, body, version, created and updated."""

    def __init__(self, database: Database, stored: StoredSpec) -> None:
        self.database = database
        self.spec = stored.spec
        self.table = table_of(stored)
        self.capabilities = CAPABILITIES[stored.spec.kind]
        self.columns = ", ".join(("id", "body", "version", "created", "updated", *self.extra))
        names = ("id", "body", *self.extra)
        insert = (
            f"INSERT INTO {self.table} (workspace, version, created, updated, {', '.join(names)}) "
            f"VALUES (?, ?, ?, ?{', ?' * len(names)}) ON CONFLICT (workspace, id) DO UPDATE SET "
        )
        kept = (*names[1:], "version", "updated")
        self._upsert = insert + _excluded(kept)
        self._carry = insert + _excluded((*kept, "created"))

    async def read(self, call: Call, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads."""
        return await self.database.read(call, work)

    async def write(self, call: Call, work: Callable[[Connection], T]) -> T:
        """Carry out `work` wholly or not at all."""
        return await self.database.write(call, work)

    def put(self, connection: Connection, call: Call, rows: Iterable[Row]) -> int:
        """Store rows of id, body and the extra columns; return their version."""
        version, now = tick(connection)
        system = (call.workspace, version, now, now)
        connection.change_many(self._upsert, ((*system, *row) for row in rows))
        return version

    def put_stamped(self, connection: Connection, call: Call, row: Row, stamp: Stamp) -> None:
        """Store a row of id, body and the extra columns with system fields of elsewhere."""
        times = (format_datetime(stamp.created_at), format_datetime(stamp.updated_at))
        connection.change(self._carry, (call.workspace, stamp.version, *times, *row))

    def swap(self, connection: Connection, call: Call, row: Row, version: int) -> int | None:
        """Store a row if its id now has `version`, 0 for none; return the new version or None."""
        found = connection.value(
            f"SELECT version FROM {self.table} WHERE workspace = ? AND id = ?",
            (call.workspace, row[0]),
        )
        return self.put(connection, call, [row]) if (found or 0) == version else None

    def by_id(self, connection: Connection, call: Call, ids: list[str]) -> list[Row | None]:
        """Return the row of each id, None where there is none."""
        rows = connection.rows(
            f"SELECT {self.columns} FROM {self.table} WHERE workspace = ? AND id {CHOSEN}",
            (call.workspace, array(ids)),
        )
        found = {row[0]: row for row in rows}
        return [found.get(id_) for id_ in ids]

    def where(self, call: Call, filter_: Filter | None) -> tuple[str, list[Any]]:
        """Return the condition, with its parameters, on the rows that match."""
        sql, parameters = condition(filter_, labels=self.spec.kind == "graph")
        return f"workspace = ? AND {sql}", [call.workspace, *parameters]

    def find_rows(self, connection: Connection, call: Call, query: FindQuery) -> list[Row]:
        """Return the rows that `query` asks for, in its order."""
        return connection.rows(*self._find_sql(call, query))

    async def count_matching(self, call: Call, filter_: Filter | None) -> int:
        """Return how many rows match."""
        where, parameters = self.where(call, filter_)
        sql = f"SELECT count(*) FROM {self.table} WHERE {where}"
        return await self.read(call, lambda connection: connection.value(sql, parameters))

    async def delete_matching(self, call: Call, filter_: Filter | None) -> int:
        """Delete what matches; return how many."""
        where, parameters = self.where(call, filter_)
        sql = f"DELETE FROM {self.table} WHERE {where}"
        return await self.write(call, lambda connection: connection.change(sql, parameters))

    async def delete_ids(self, call: Call, ids: list[str]) -> int:
        """Delete the distinct `ids`; return how many were there."""
        return await self.write(call, lambda connection: self.delete_rows(connection, call, ids))

    def delete_rows(self, connection: Connection, call: Call, ids: list[str]) -> int:
        """Delete the distinct `ids`; return how many were there."""
        sql = f"DELETE FROM {self.table} WHERE workspace = ? AND id {CHOSEN}"
        return connection.change(sql, (call.workspace, array(ids)))

    @override
    async def count(self, call: Call) -> int:
        return await self.count_matching(call, None)

    @override
    async def clear(self, call: Call) -> int:
        return await self.delete_matching(call, None)

    @override
    async def size_bytes(self, call: Call) -> int | None:
        sizes = " + ".join(
            f"ifnull(octet_length({name}), 0)" for name in ("id", "body", *self.extra)
        )
        sql = f"SELECT ifnull(sum({sizes}), 0) FROM {self.table} WHERE workspace = ?"
        parameters = (call.workspace,)
        return await self.read(call, lambda connection: connection.value(sql, parameters))

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        if not isinstance(query, FindQuery):
            return Explanation("search", "native", "exact", ("vec_distance of every row",))
        sql, parameters = self._find_sql(call, query)
        steps = await self.read(
            call, lambda c: [row[3] for row in c.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        )
        # By the table's own key (workspace, id) every row of the workspace is compared.
        access = "index" if any(f"{self.table}_by_" in step for step in steps) else "exact"
        return Explanation("find", "native", access, tuple(steps))

    def _find_sql(self, call: Call, query: FindQuery) -> tuple[str, list[Any]]:
        where, parameters = self.where(call, query.filter)
        keys = [(sort_key_of(part.path), part.descending) for part in query.sort]
        if query.after is not None:
            after, values = _after([*keys, ("id", False)], [*query.after[0], query.after[1]])
            where += f" AND {after}"
            parameters += values
        order = "".join(f"{key}{' DESC' if down else ''}, " for key, down in keys)
        return (
            f"SELECT {self.columns} FROM {self.table} WHERE {where} "
            f"ORDER BY {order}id LIMIT ? OFFSET ?",
            [*parameters, query.limit, query.offset],
        )


def _excluded(names: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in names)


def _after(keys: list[tuple[str, bool]], values: list[Any]) -> tuple[str, list[Any]]:
    """Return the condition, with its parameters, on the rows that come after `values`."""
    (key, down), *others = keys
    beyond = f"{key} {'<' if down else '>'} ?"
    if not others:
        return beyond, values
    rest, parameters = _after(others, values[1:])
    return f"({beyond} OR ({key} = ? AND {rest}))", [values[0], values[0], *parameters]


def tick(connection: Connection) -> tuple[int, str]:
    """Return the version and the time of a write.

    Versions follow the clock in microseconds and never repeat in this file, so that they grow over
    a delete, and over a clock that is set back.
    """
    version: int = connection.value(
        "UPDATE polystore_clock SET version = max(version + 1, ?) RETURNING version",
        (time.time_ns() // 1000,),
    )
    return version, format_datetime(datetime.now(UTC))


def array(values: Iterable[str]) -> str:
    """Return texts as a JSON array, for `CHOSEN`."""
    return encode_json(list(values)).decode()


def data_of(row: Row) -> dict[str, Any]:
    """Return the JSON object in a row's body."""
    return decode_json(row[1])


def system_of(row: Row) -> System:
    """Return version, time of creation and time of the last change."""
    return row[2], parse_datetime(row[3]), parse_datetime(row[4])
