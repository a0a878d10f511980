"""Hypothesis strategies for filters, and documents that they often match."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from polystore.filters import (
    And,
    Compare,
    ContainsAll,
    ContainsAny,
    Exists,
    Filter,
    In,
    IsNull,
    Not,
    Or,
    Path,
    StartsWith,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
# Few values, most of them near others, so that equalities and their traps do occur.
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            1,
            -1,
            0.0,
            -0.0,
            1.0,
            0.5,
            2**53,
            2**53 + 1,
            float(2**53),
            2**63 - 1,
        ]
    ),
    st.sampled_from(
        ["", "a", "ab", "A", "1", "true", "é", "\uffff", "😀", "%", "_", "\\", "'", "$"]
    ),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
ORDERED = SCALARS.filter(lambda value: value is not None and not isinstance(value, bool))
KEYS = st.sampled_from(["a", "b", "a.b", "", "0", "$gt", "meta:id", "[", "é", '"'])
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: Path(tuple(keys)))
STAMPS = st.sampled_from(
    ["2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:00.000001Z", "1999-12-31T23:59:59.999999Z"]
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
METAS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"id": st.sampled_from(["", "a", "ab", "1"]), "version": st.integers(1, 3)},
    optional={
        "created_at": STAMPS,
        "expires_at": st.one_of(st.none(), STAMPS),
        "labels": st.lists(st.sampled_from(["a", "b", "1"]), max_size=2),
    },
)


def _leaves(
    paths: st.SearchStrategy[Path], values: st.SearchStrategy[Any], ordered: st.SearchStrategy[Any]
) -> list[st.SearchStrategy[Filter]]:
    many = st.lists(values, max_size=3).map(tuple)
    return [
        st.builds(Compare, paths, st.just("eq"), values),
        st.builds(Compare, paths, st.sampled_from(["gt", "gte", "lt", "lte"]), ordered),
        st.builds(In, paths, many),
        st.builds(Exists, paths),
    ]


def _meta(*names: str) -> st.SearchStrategy[Path]:
    return st.sampled_from([Path((name,), meta=True) for name in names])


_NAMES = st.sampled_from(["", "a", "ab", "1"])
_NUMBERS = st.one_of(st.integers(0, 4), st.sampled_from([1.0, 1.5]))
_LABELS = st.lists(_NAMES, max_size=2).map(tuple)
_MANY = st.lists(SCALARS, max_size=3).map(tuple)

LEAVES: st.SearchStrategy[Filter] = st.one_of(
    *_leaves(PATHS, SCALARS, ORDERED),
    st.builds(IsNull, PATHS),
    st.builds(ContainsAny, PATHS, _MANY),
    st.builds(ContainsAll, PATHS, _MANY),
    st.builds(StartsWith, PATHS, TEXT),
    *_leaves(_meta("id"), _NAMES, _NAMES),
    *_leaves(_meta("version"), _NUMBERS, _NUMBERS),
    *_leaves(_meta("created_at", "expires_at"), STAMPS, STAMPS),
    st.builds(StartsWith, _meta("id"), _NAMES),
    st.builds(ContainsAny, _meta("labels"), _LABELS),
    st.builds(ContainsAll, _meta("labels"), _LABELS),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
