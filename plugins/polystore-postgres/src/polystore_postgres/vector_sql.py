"""The statements of one vector store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_postgres.fields import KeyColumns
from polystore_postgres.filters import FilterTable, compile_filter
from polystore_postgres.names import quote_identifier, quote_literal
from polystore_postgres.options import vector_options
from polystore_postgres.schema_vector import (
    OPERATORS,
    VECTOR,
    ann_index,
    array_expressions,
    key_table,
    vector_spec,
)
from polystore_postgres.sqlfile import block
from polystore_postgres.words import PLAIN_CONFIG

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore_postgres.names import Names

_ARRAYS = {"upsert": 6, "carry": 10, "update_metadata": 3}
"""The number of the last parameter before those of declared fields."""
_MOST_SEARCHES = 200
"""Texts of searches that are kept."""


class VectorSql:
    """The SQL of one vector store.

    Attributes:
        table: The store's table, quoted, with its schema.
        config: The text search configuration.
        ann: The index for nearness that the spec asks for.
        keys: The columns of declared fields.
    """

    def __init__(self, stored: StoredSpec, names: Names) -> None:
        spec = vector_spec(stored)
        self.table = names.table(VECTOR, stored)
        self.config = vector_options(spec).text_config
        self.ann = ann_index(stored, names)
        self.keys = KeyColumns(key_table(stored, names).columns)
        self._extension = quote_identifier(names.vector_schema)
        self._operator = f"OPERATOR({self._extension}.{OPERATORS[spec.metric]})"
        self._places = {
            "schema": names.schema,
            "table": names.bare(VECTOR, stored),
            "extension": names.vector_schema,
        }
        self._filtered = FilterTable(
            data="t.metadata",
            columns={path: f"t.{column}" for path, column in self.keys.columns.items()},
            meta={name: f"t.{name}" for name in ("id", "version", "created_at", "updated_at")},
            arrays=array_expressions(stored, "t.metadata"),
        )
        self._searches: dict[tuple[str, int, int, bool, bool], str] = {}
        self._texts: dict[tuple[str, bool], str] = {}

    def text(self, name: str, *, with_vectors: bool = False) -> str:
        """Return a statement of `vector.sql`, its filter still to be put in by `filtered`."""
        key = (name, with_vectors)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self._assemble(name, with_vectors=with_vectors)
        return found

    def filtered(self, text: str, filter_: Filter | None, parameters: list[object]) -> str:
        """Return a statement with its filter; the filter's parameters are appended."""
        where = "true"
        if filter_ is not None:
            where = compile_filter(filter_, self._filtered, parameters)
        return text.replace("/* filter */", where)

    def search(self, name: str, *, k: int, candidates: int, with_vectors: bool, many: bool) -> str:
        """Return the statement that searches.

        Args:
            name: `exact` or `nearest`.
            k: How many rows it returns.
            candidates: How many rows the index is asked for.
            with_vectors: Whether it returns the vectors.
            many: Whether $2 is an array of query vectors; rows then begin with their number.
        """
        key = (name, k, candidates, with_vectors, many)
        found = self._searches.get(key)
        if found is None:
            if len(self._searches) >= _MOST_SEARCHES:
                self._searches.clear()
            found = self._searches[key] = self._search(*key)
        return found

    def _search(self, name: str, k: int, candidates: int, with_vectors: bool, many: bool) -> str:
        text = self.text(name, with_vectors=with_vectors)
        vector = "q.vector" if many else f"$2::{self._extension}.vector"
        text = text.replace("/* distance */", f"t.embedding {self._operator} {vector}")
        text = text.replace("/* k */", f"{k:d}").replace("/* candidates */", f"{candidates:d}")
        if self.ann is not None:
            text = text.replace("/* indexed */", self.ann.distance("t.embedding", vector))
        return self.text("for_each").replace("/* search */", text) if many else text

    def _assemble(self, name: str, *, with_vectors: bool) -> str:
        text = block("vector.sql", name, **self._places)
        columns = self.keys.names
        first = _ARRAYS.get(name, 0)
        source = "excluded" if name == "upsert" else "r"
        for mark, value in (
            ("keys", "".join(f", {column}" for column in columns)),
            ("values", "".join(f", r.{column}" for column in columns)),
            ("arrays", "".join(f", ${first + 1 + i}::bytea[]" for i in range(len(columns)))),
            ("updates", "".join(f",\n    {column} = {source}.{column}" for column in columns)),
            ("words", self._words()),
            ("query", self._query("$2::text")),
            ("word", self._query("a.word")),
            ("embedding", ", t.embedding" if with_vectors else ""),
            ("c_embedding", ", c.embedding" if with_vectors else ""),
        ):
            text = text.replace(f"/* {mark} */", value)
        return text

    def _words(self) -> str:
        if self.config == PLAIN_CONFIG:
            return "array_to_tsvector(string_to_array(r.words, ' '))"
        return f"to_tsvector({quote_literal(self.config)}::regconfig, r.words)"

    def _query(self, text: str) -> str:
        if self.config == PLAIN_CONFIG:
            return f"{text}::tsquery"
        return f"to_tsquery({quote_literal(self.config)}::regconfig, {text})"
