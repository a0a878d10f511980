"""Hypothesis strategies for filters that often match something."""

from __future__ import annotations

from functools import cache
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
from polystore.testing.filters.corpus import SCALARS, fits
from polystore.testing.strategies import SCALARS as ANY_SCALARS


@cache  # building strategies takes longer than drawing from them
def filters_on(paths: tuple[Path, ...], largest: int) -> st.SearchStrategy[Filter]:
    """Return filters of every shape on `paths`."""
    where = st.sampled_from(paths)
    usable = [value for value in SCALARS if fits(value, largest)]
    any_scalar = ANY_SCALARS.filter(lambda value: fits(value, largest))
    values: st.SearchStrategy[Any] = st.one_of(
        st.sampled_from(usable), st.sampled_from(usable), any_scalar
    )
    ordered = values.filter(lambda value: value is not None and not isinstance(value, bool))
    several = st.lists(values, max_size=4).map(tuple)
    texts = [value for value in usable if isinstance(value, str)]
    leaves: st.SearchStrategy[Filter] = st.one_of(
        st.builds(Compare, where, st.just("eq"), values),
        st.builds(Compare, where, st.sampled_from(["gt", "gte", "lt", "lte"]), ordered),
        st.builds(In, where, several),
        st.builds(Exists, where),
        st.builds(IsNull, where),
        st.builds(ContainsAny, where, several),
        st.builds(ContainsAll, where, several),
        st.builds(StartsWith, where, st.sampled_from(texts).map(lambda text: text[:2])),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(And, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=5,
    )
