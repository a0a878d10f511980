"""Compiled filters against the reference evaluator, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from polystore.filters import (
    And,
    Compare,
    ContainsAll,
    ContainsAny,
    Exists,
    F,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    Path,
    StartsWith,
    compile_predicate,
)
from polystore_postgres.fields import KeyColumns
from polystore_postgres.filters import FilterTable, compile_filter
from polystore_postgres.names import json_expression
from polystore_postgres.textrange import after_prefix

from .database import Database

if TYPE_CHECKING:
    from collections.abc import Generator

LONG = "x" * 499
STRINGS = [
    "", "a", "A", "ab", "a%", "a_", "%", "_", "'", '"', "\\", "' OR true --", "$1", ":x", "{}",
    "é", "e\u0301", "z", "😀", "\ud7ff", "\ue000", "\uffff", "\U0010ffff", "שלום", "\u202eabc",
    "null", "true", "1", "\x01", "\x7f", LONG, LONG + "a", LONG + "ab", LONG + "abc", LONG + "é",
    LONG + "ad" * 300, "2024-01-02T03:04:05.000006Z",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 1.0, 0.1, -0.5, 1.5, 1e300, -1e300, 5e-324, 2**53, 2**53 + 1, 2**53 - 1,
    float(2**53), float(2**53 + 2), -(2**53) - 1, float(2**60), 2**60, 2**60 + 1, 2**63 - 1,
    -(2**63), float(2**63), -float(2**63), 1e16, 10**16, 1e17, 1e18, 1e19, 123456789012345678,
]  # fmt: skip
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
    st.sampled_from(STRINGS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
)
ORDERED = SCALARS.filter(lambda v: v is not None and not isinstance(v, bool))
KEYS = st.sampled_from(["a", "b", "a.b", "", "0", "'; DROP TABLE t; --", "k\\'x", '"', "😀"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
STAMPS = st.sampled_from(
    [
        datetime(2024, 1, 2, 3, 4, 5, 6, UTC),
        datetime(2024, 1, 2, 3, 4, 5, 7, UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ]
)
IDS = st.sampled_from(["a", "ab", "A", "é", "😀", "\uffff", "%", "'"])
ROWS = st.tuples(
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.fixed_dictionaries(
        {
            "id": IDS,
            "version": st.sampled_from([1, 2, 3, 2**53 - 1]),
            "created_at": STAMPS,
            "expires_at": st.none() | STAMPS,
            "labels": st.lists(st.sampled_from(["a", "b", "'"]), max_size=2),
        }
    ),
)

DECLARED = [Path(("a",)), Path(("b", "a")), Path(("'; DROP TABLE t; --",)), Path(("k\\'x", "0"))]
ARRAYS = [Path(("b",)), Path(("a", "k\\'x"))]
PATHS = st.sampled_from([*DECLARED, *ARRAYS]) | st.lists(KEYS, min_size=1, max_size=3).map(
    lambda keys: Path(tuple(keys))
)


def _meta(name: str) -> Path:
    return Path((name,), meta=True)


def _comparisons(paths: Any, values: Any, ordered: Any) -> list[Any]:
    return [
        st.builds(Compare, paths, st.just("eq"), values),
        st.builds(Compare, paths, st.sampled_from(["gt", "gte", "lt", "lte"]), ordered),
        st.builds(In, paths, st.lists(values, max_size=4).map(tuple)),
        st.builds(Exists, paths),
    ]


_MANY = st.lists(SCALARS, max_size=3).map(tuple)
_LABELS = st.lists(st.sampled_from(["a", "b", "'"]), max_size=2).map(tuple)
_TIMES = st.sampled_from([_meta("created_at"), _meta("expires_at"), _meta("updated_at")])
_VERSIONS = st.sampled_from([0, 1, 1.5, 2, 2.0, -1.5, 2**53 - 1, 1e300, -1e300, 2**63 - 1])
LEAVES = st.one_of(
    *_comparisons(PATHS, SCALARS, ORDERED),
    st.builds(IsNull, PATHS),
    st.builds(ContainsAny, PATHS, _MANY),
    st.builds(ContainsAll, PATHS, _MANY),
    st.builds(StartsWith, PATHS, st.sampled_from(STRINGS)),
    *_comparisons(st.just(_meta("id")), IDS, IDS),
    *_comparisons(st.just(_meta("version")), _VERSIONS, _VERSIONS),
    *_comparisons(_TIMES, STAMPS, STAMPS),
    st.builds(StartsWith, st.just(_meta("id")), st.sampled_from(["", "a", "é", "\uffff", "%"])),
    st.builds(ContainsAny, st.just(_meta("labels")), _LABELS),
    st.builds(ContainsAll, st.just(_meta("labels")), _LABELS),
    st.just(Exists(_meta("labels"))),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def database(postgres_module_dsn: str) -> Generator[Database]:
    with Database(postgres_module_dsn) as opened:
        yield opened


async def matches(database: Database, filter_: Filter, rows: list[Any], declared: bool) -> set[int]:
    """Return the positions of the rows for which the server says true."""
    documents, metas = [row[0] for row in rows], [row[1] for row in rows]
    keys = KeyColumns(DECLARED)
    parameters: list[object] = [
        [orjson.dumps(document) for document in documents],
        *([meta[name] for meta in metas] for name in ("id", "version", "created_at", "expires_at")),
        [orjson.dumps(meta["labels"]).decode() for meta in metas],
        *keys.keys_for(documents),
    ]
    key_types = "".join(f", ${7 + n}::bytea[]" for n in range(len(keys.names)))
    table = FilterTable(
        "t.data",
        {path: f"t.{name}" for path, name in keys.columns.items()} if declared else {},
        {
            "id": 't.id COLLATE "C"',
            "version": "t.version",
            "created_at": "t.created_at",
            "expires_at": "t.expires_at",
        },
        "t.labels",
        {path: json_expression("t.data", path) for path in ARRAYS} if declared else {},
    )
    condition = compile_filter(filter_, table, parameters)
    rows_ = await database.pool.fetch(
        f"""
        WITH t AS MATERIALIZED (
            SELECT r.*, ARRAY(SELECT jsonb_array_elements_text(r.label_list::jsonb)) AS labels
              FROM unnest($1::jsonb[], $2::text[], $3::bigint[], $4::timestamptz[],
                          $5::timestamptz[], $6::text[]{key_types})
              WITH ORDINALITY AS r (data, id, version, created_at, expires_at, label_list,
                                    {", ".join([*keys.names, "position"])})
        )
        SELECT position FROM t WHERE {condition}""",
        *parameters,
    )
    return {row["position"] - 1 for row in rows_}


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
UNSET: dict[str, Any] = {
    "id": "a",
    "version": 1,
    "created_at": None,
    "expires_at": None,
    "labels": [],
}
BIG = {"a": float(2**60), "b": [float(2**60), 1.0], "0": 1e17}


@pytest.mark.parametrize("declared", [True, False])
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(filter_=FILTERS, rows=st.lists(ROWS, min_size=1, max_size=6))
@example(filter_=F("a") == 2**60, rows=[(BIG, {})])
@example(filter_=F("b").contains(2**60), rows=[(BIG, {})])
@example(filter_=F("0") < 10**17 + 1, rows=[(BIG, {})])
@example(filter_=StartsWith(Path(("a",)), LONG + "abc"), rows=[({"a": LONG + "abc"}, {})])
@example(filter_=~(F("a") > LONG + "abc"), rows=[({"a": LONG + "abd"}, {})])
def test_the_server_agrees_with_the_reference(
    database: Database, filter_: Filter, rows: list[Any], declared: bool
) -> None:
    whole = [(document, {**UNSET, **meta}) for document, meta in rows]
    predicate = compile_predicate(filter_)
    expected = {i for i, (document, meta) in enumerate(whole) if predicate(document, meta)}
    assert database.run(matches(database, filter_, whole, declared)) == expected


def test_nothing_of_a_filter_is_in_its_text() -> None:
    hostile = "'; DROP TABLE t; --"
    parameters: list[object] = []
    field = F((hostile, "x"))
    text = compile_filter(
        (field == hostile)
        & field.contains_any([hostile])
        & field.starts_with(hostile)
        & field.is_in([hostile, 1])
        & (F.meta("id") == hostile),
        FilterTable("t.data", meta={"id": "t.id"}),
        parameters,
    )
    assert "DROP" not in text
    assert hostile in parameters


def test_many_alternatives_stay_one_statement(database: Database) -> None:
    filter_ = F("b").contains_any(range(1000)) & F("a").is_in(range(10_000))
    rows = [({"b": [999], "a": 9999}, UNSET)]
    for declared in (True, False):
        assert database.run(matches(database, filter_, rows, declared)) == {0}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), st.text(max_size=3))
@example("\U0010ffff", "")
@example("a\U0010ffff", "x")
@example("\ud7ff", "")
def test_after_prefix_bounds_exactly_what_begins_so(prefix: str, other: str) -> None:
    above = after_prefix(prefix)
    for text in (prefix + other, other, prefix, chr(0x10FFFF) * 3):
        inside = text >= prefix and (above is None or text < above)
        assert inside == text.startswith(prefix)
