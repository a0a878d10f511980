"""The tables that LightRAG's PostgreSQL storages keep.

Everything is read in one read-only transaction, so that it belongs together although LightRAG goes
on writing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from polystore.errors import ConfigError, ConnectionFailed
from polystore.sources import SourceBatch, SourcePart
from polystore_lightrag import stores
from polystore_lightrag.source_parts import Parts
from polystore_lightrag.source_rows import edge_row, kv_row, kv_store, node_row, status_row
from polystore_lightrag.source_tables import KV_TABLES, VECTOR_TABLES, kv_of, status_of, vector_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from polystore.sources import Row, Shape

_STATUS: Final = "lightrag_doc_status"
_NODES: Final = "lightrag_graph_nodes"
_EDGES: Final = "lightrag_graph_edges"
_DEFAULT_WORKSPACE: Final = "default"
"""What LightRAG calls a workspace without a name in PostgreSQL."""
_TABLES: Final = (
    "select table_name, array_agg(column_name::text) as columns from information_schema.columns "
    "where table_schema = any(current_schemas(false)) and table_name like 'lightrag\\_%' "
    "group by table_name order by table_name"
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A part's table, its workspace there, and the columns that its rows are ordered by."""

    part: SourcePart
    table: str
    workspace: str
    namespace: str
    order: tuple[str, ...] = ("id",)


class Tables(Parts):
    """LightRAG's tables in one database, of all workspaces or one."""

    @override
    async def open(self) -> None:
        """Connect, and find out which tables there are."""
        self._tables: dict[str, _Table] = {}
        self._told: list[str] = []
        self._connection = await _connect(self.location)
        try:
            columns = {
                row["table_name"]: set(row["columns"])
                for row in await self._connection.fetch(_TABLES)
            }
            for namespace, table in KV_TABLES.items():
                store, _ = kv_store(namespace)
                await self._add(columns, table, namespace, "kv", store)
            await self._add_vectors(columns)
            await self._add_graph(columns)
            name = stores.DOC_STATUS_NAMESPACE
            await self._add(columns, _STATUS, name, "doc", stores.store_name(name))
        except BaseException:
            await self.close()
            raise

    @override
    async def close(self) -> None:
        await self._connection.close()

    @override
    def parts(self) -> Sequence[SourcePart]:
        return [table.part for table in self._tables.values()]

    @override
    def fingerprint(self) -> str:
        return "; ".join(self._told)

    @override
    async def read(
        self, part: SourcePart, after: str | None, batch: int
    ) -> AsyncIterator[SourceBatch]:
        table = self._tables[part.name]
        names = await self._columns(table.table)
        vector = ", content_vector::real[] as content_vector" if part.shape == "vector" else ""
        order = ", ".join(_quoted(name) for name in table.order)
        marks = ", ".join(f"${number}" for number in range(3, 3 + len(table.order)))
        chosen = ", ".join(_quoted(name) for name in names if name != "content_vector")
        where = f"workspace = $1{_of_graph(table)}"
        query = f"select {chosen}{vector} from {_quoted(table.table)} where {where}"  # noqa: S608
        position = None if after is None else cast("list[str]", json.loads(after))
        while True:
            if position is None:
                given: list[Any] = []
                behind = ""
            else:
                given, behind = position, f" and ({order}) > ({marks})"
            found = await self._connection.fetch(
                f"{query}{behind} order by {order} limit $2", table.workspace, batch, *given
            )
            if not found:
                return
            rows = [_row(table, dict(row)) for row in found]
            last: dict[str, str] = dict(found[-1])
            position = [last[name] for name in table.order]
            yield SourceBatch(rows, json.dumps(position))

    async def _add(
        self,
        columns: Mapping[str, set[str]],
        table: str,
        namespace: str,
        shape: Shape,
        store: str,
        order: tuple[str, ...] = ("id",),
    ) -> None:
        """Note a part for each workspace that the table has rows of."""
        if table not in columns:
            return
        missing = {"workspace", *order} - columns[table]
        if missing:
            raise ConfigError(
                f"the table {table} has no column {', '.join(sorted(missing))}: it is not one of "
                "LightRAG 1.4 or later",
                hint="Start a newer LightRAG on the database once, which migrates its tables",
            )
        graph = (
            f" where namespace = '{stores.GRAPH_NAMESPACE}'" if shape in {"node", "edge"} else ""
        )
        for row in await self._connection.fetch(
            f"select workspace, count(*) as rows from {_quoted(table)}{graph} "  # noqa: S608
            "group by workspace order by workspace"
        ):
            workspace = cast("str", row["workspace"])
            if self.options.get("workspace", workspace) != workspace:
                continue
            name = f"{table} ({workspace})"
            tenant = None if workspace == _DEFAULT_WORKSPACE else workspace
            dimensions = await self._dimensions(table) if shape == "vector" else None
            part = SourcePart(name, shape, store, tenant, row["rows"], dimensions)
            self._tables[name] = _Table(part, table, workspace, namespace, order)
            changed = await self._changed(table, columns[table], workspace)
            self._told.append(f"{name} {row['rows']} {changed}")

    async def _add_vectors(self, columns: Mapping[str, set[str]]) -> None:
        chosen = self.options.get("vectors")
        for namespace, table in VECTOR_TABLES.items():
            found = [
                name
                for name in columns
                if name == table or name.startswith(f"{table}_")
                if chosen is None or name == f"{table}_{chosen}".lower()
            ]
            filled = [name for name in found if await self._has_rows(name)]
            if len(filled) > 1:
                raise ConfigError(
                    f"there are several tables of vectors {namespace!r}: {', '.join(filled)}: "
                    "LightRAG has not finished to move them, or was used with several models",
                    hint="Name one with --option vectors=SUFFIX",
                )
            for name in filled:
                store = stores.store_name(namespace)
                await self._add(columns, name, namespace, "vector", store)

    async def _add_graph(self, columns: Mapping[str, set[str]]) -> None:
        store = stores.store_name(stores.GRAPH_NAMESPACE)
        if _NODES not in columns and await self._connection.fetchval(
            "select true from information_schema.tables "
            "where table_schema = 'ag_catalog' and table_name = 'ag_graph'"
        ):
            if self.options.get("partial") == "yes":
                return
            raise ConfigError(
                "LightRAG keeps its graph in Apache AGE here, which cannot be read",
                hint="Move it to PGTableGraphStorage first (lightrag.tools.migrate_graph_storage), "
                "or say --option partial=yes to leave it out",
            )
        if _EDGES in columns and await self._connection.fetchval(
            f'select true from {_EDGES} where src_id collate "C" > tgt_id collate "C" limit 1'  # noqa: S608
        ):
            raise ConfigError(
                "edges stand in the graph's table in both directions: LightRAG has not finished "
                "to migrate it",
                hint="Start a newer LightRAG on the database once",
            )
        await self._add(columns, _NODES, stores.GRAPH_NAMESPACE, "node", store)
        ends = ("src_id", "tgt_id")
        await self._add(columns, _EDGES, stores.GRAPH_NAMESPACE, "edge", store, ends)

    async def _has_rows(self, table: str) -> bool:
        query = f"select exists (select from {_quoted(table)})"  # noqa: S608
        return bool(await self._connection.fetchval(query))

    async def _dimensions(self, table: str) -> int:
        query = f"select vector_dims(content_vector::vector) from {_quoted(table)} limit 1"  # noqa: S608
        return int(await self._connection.fetchval(query))

    async def _changed(self, table: str, columns: set[str], workspace: str) -> object:
        found = {"update_time", "updated_at"} & columns
        if not found:
            return ""
        query = f"select max({found.pop()}) from {_quoted(table)} where workspace = $1"  # noqa: S608
        return await self._connection.fetchval(query, workspace)

    async def _columns(self, table: str) -> list[str]:
        rows = await self._connection.fetch(
            "select column_name from information_schema.columns where table_name = $1 "
            "and table_schema = any(current_schemas(false)) order by ordinal_position",
            table,
        )
        return [cast("str", row["column_name"]) for row in rows]


async def _connect(url: str) -> Any:
    """Return a connection in a transaction that cannot write."""
    try:
        import asyncpg
    except ModuleNotFoundError as error:
        raise ConfigError(
            "reading LightRAG's tables needs asyncpg",
            hint="Run `pip install 'polystore-lightrag[postgres]'`",
        ) from error
    connection: Any = None
    try:
        connection = await asyncpg.connect(url)
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(
                kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads
            )
        await connection.execute("begin isolation level repeatable read read only")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        if connection is not None:
            connection.terminate()
        raise ConnectionFailed(
            "LightRAG's database cannot be opened",
            hint="Check the URL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
            maybe_applied=False,
        ) from error
    return connection


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _of_graph(table: _Table) -> str:
    if table.part.shape in {"node", "edge"}:
        return f" and namespace = '{table.namespace}'"
    return ""


def _row(table: _Table, row: dict[str, Any]) -> Row:
    match table.part.shape:
        case "node":
            return node_row(row["id"], row["properties"])
        case "edge":
            return edge_row(row["src_id"], row["tgt_id"], row["properties"])
        case "vector":
            return vector_of(table.namespace, row)
        case "doc":
            return status_row(row["id"], status_of(row))
        case "kv":
            return kv_row(table.namespace, row["id"], kv_of(table.namespace, row))
