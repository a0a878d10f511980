"""Names and key columns: distinct, within the server's limits, exactly what they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polystore.filters import Path
from polystore.specdiff import StoredSpec
from polystore.specs import DocSpec, KVSpec
from polystore.stores.ordering import value_at
from polystore.types.sortkey import sort_key
from polystore_postgres import schema_doc, schema_kv
from polystore_postgres.fields import KeyColumns, columns_for
from polystore_postgres.names import (
    MAX_IDENTIFIER,
    Names,
    index_name,
    json_expression,
    key_column,
    quote_identifier,
    quote_literal,
)

from .database import Database

if TYPE_CHECKING:
    from collections.abc import Generator

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
PATHS = st.lists(TEXT, min_size=1, max_size=4).map(lambda parts: Path(tuple(parts)))
HOSTILE = ["'", '"', "\\", "\\'", "'; DROP TABLE t; --", "$1", "%s", "{}", "__SCHEMA__", "é😀", " "]
LONGEST = "s" * 40


@pytest.fixture(scope="module")
def database(postgres_module_dsn: str) -> Generator[Database]:
    with Database(postgres_module_dsn) as opened:
        yield opened


@given(PATHS, PATHS)
@example(Path(("a.b",)), Path(("a", "b")))
@example(Path(("A",)), Path(("a",)))
@example(Path(("é",)), Path(("è",)))
@example(Path(("x" * 100 + "1",)), Path(("x" * 100 + "2",)))
@example(Path(("a", "b_c")), Path(("a_b", "c")))
def test_different_paths_have_different_columns(one: Path, other: Path) -> None:
    names = {key_column(one), key_column(other)}
    assert len(names) == len({one, other})
    for name in names:
        assert len(name) <= MAX_IDENTIFIER - len("_set")
        assert name.isascii()
        assert name.replace("_", "a").isalnum()
        assert name == name.lower()


@given(TEXT, TEXT)
def test_different_indexes_have_different_names(one: str, other: str) -> None:
    for table in ("kv_a", f"node_{LONGEST}", f"node_{LONGEST}__99"):
        names = {index_name(table, one), index_name(table, other)}
        assert len(names) == len({one, other})
        assert all(len(name.encode()) <= MAX_IDENTIFIER for name in names)


def test_the_longest_store_has_names_that_fit() -> None:
    names = Names("polystore")
    paths = ["-" + "p" * 200, "q" * 200, "-" + "r" * 200]
    spec = DocSpec.model_validate({"name": LONGEST, "indexes": [paths, paths[::-1], paths[0]]})
    indexes = schema_doc.indexes(StoredSpec(spec, 99), names)
    assert len({index.name for index in indexes}) == 3
    for index in [*indexes, *schema_kv.indexes(StoredSpec(KVSpec(name=LONGEST), 99), names)]:
        assert len(index.name) <= MAX_IDENTIFIER


def test_generations_have_tables_of_their_own() -> None:
    spec = KVSpec(name="cache")
    names = Names('we"ird')
    assert names.table("kv", StoredSpec(spec)) == '"we""ird"."kv_cache"'
    assert names.table("kv", StoredSpec(spec, 2)) == '"we""ird"."kv_cache__2"'


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TEXT | st.sampled_from(HOSTILE), min_size=1, max_size=3), st.booleans())
def test_quoted_text_is_that_text(database: Database, keys: list[str], standard: bool) -> None:
    async def ask() -> tuple[Any, Any, Any]:
        settings = {"standard_conforming_strings": "on" if standard else "off"}
        nested: Any = 1
        for key in reversed(keys):
            nested = {key: nested}
        async with database.pool.acquire(settings=settings) as connection:
            await connection.execute("SET escape_string_warning = off")
            sql = f"SELECT {quote_literal(keys[0])}, 1 AS {quote_identifier(keys[0] or 'x')}"
            row = await connection.fetchrow(sql)
            assert row is not None
            inside = await connection.fetchval(
                f"SELECT {json_expression('d', Path(tuple(keys)))} FROM (SELECT $1::jsonb) AS t(d)",
                orjson.dumps(nested),
            )
            return row[0], list(row.keys())[1], inside

    text, _, inside = database.run(ask())
    assert text == keys[0]
    assert inside == 1


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", ""]), inner, max_size=3)
    ),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", ""]), VALUES, max_size=3), max_size=4),
    st.lists(st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=3), unique_by=tuple),
)
def test_keys_are_the_sort_keys_of_the_values(
    documents: list[dict[str, Any]], parts: list[list[str]]
) -> None:
    paths = [Path(tuple(keys)) for keys in parts]
    keys = KeyColumns(paths)
    assert keys.columns == columns_for(paths)
    expected = [[sort_key(value_at(path, item, {})) for item in documents] for path in paths]
    assert keys.keys_for(documents) == expected


def test_system_fields_have_no_key_column() -> None:
    assert columns_for([Path(("version",), meta=True), Path(("version",))]) == {
        Path(("version",)): key_column(Path(("version",)))
    }
