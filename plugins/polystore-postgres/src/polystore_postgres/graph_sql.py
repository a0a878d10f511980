"""The statements of one graph store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_postgres.filters import FilterTable, compile_filter
from polystore_postgres.graph_rows import NODE_COLUMNS
from polystore_postgres.pages import PageTable, page_statement
from polystore_postgres.schema_graph import EDGE, NODE, key_table
from polystore_postgres.sqlfile import block, load_blocks, substitute

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import FindQuery
    from polystore_postgres.names import Names

_MISSING = r", '\x00'::bytea"
"""The sort key of a field that a node without properties does not have."""


class GraphSql:
    """The SQL of one graph store.

    Attributes:
        node: The table of nodes, quoted, with its schema.
        edge: The table of edges, likewise.
    """

    def __init__(self, stored: StoredSpec, names: Names) -> None:
        table = key_table(stored, names)
        self.node = table.name
        self.edge = names.table(EDGE, stored)
        self._columns = list(table.columns.values())
        self._places = {
            "schema": names.schema,
            "node": names.bare(NODE, stored),
            "edge": names.bare(EDGE, stored),
        }
        fields = FilterTable(
            data="t.properties",
            columns={path: f"t.{column}" for path, column in table.columns.items()},
            meta={name: f"t.{name}" for name in ("id", "version", "created_at", "updated_at")},
            labels="t.labels",
        )
        self._pages = PageTable(self.node, NODE_COLUMNS, fields)
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """Return a statement of `graph.sql` or `graph_reads.sql`."""
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = self._assemble(name)
        return text

    def similar(self, trigram_schema: str) -> str:
        """Return the search for similar ids, with pg_trgm in the SQL schema `trigram_schema`."""
        return block("graph_reads.sql", "labels_similar", **self._places, trigram=trigram_schema)

    def find(self, workspace: str, query: FindQuery) -> tuple[str, list[object]]:
        """Return the statement of `find_nodes` and its parameters."""
        return page_statement(self._pages, workspace, query)

    def count(self, workspace: str, filter_: Filter | None) -> tuple[str, list[object]]:
        """Return the statement of `count_nodes` and its parameters."""
        parameters: list[object] = [workspace]
        where = "t.workspace = $1"
        if filter_ is not None:
            where += f" AND ({compile_filter(filter_, self._pages.fields, parameters)})"
        return f"SELECT count(*) FROM {self.node} AS t WHERE {where}", parameters  # noqa: S608  names are quoted, values parameters

    def _assemble(self, name: str) -> str:
        file = "graph.sql" if name in load_blocks("graph.sql") else "graph_reads.sql"
        text = load_blocks(file)[name]
        columns = self._columns
        for mark, parts in (
            ("keys", [f", {column}" for column in columns]),
            ("values", [f", r.{column}" for column in columns]),
            ("arrays", [f", ${6 + i}::bytea[]" for i in range(len(columns))]),
            ("updates", [f",\n    {column} = excluded.{column}" for column in columns]),
            ("missing", [_MISSING] * len(columns)),
        ):
            text = text.replace(f"/* {mark} */", "".join(parts))
        return substitute(text, **self._places)
