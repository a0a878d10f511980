"""Hypothesis strategies for what every engine must store, and settings for tests on engines."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from polystore.testing.values import FLOATS, INTEGERS, ODD_TEXTS

few = settings(
    max_examples=25,
    deadline=None,  # engines may be slow, which is no fault
    print_blob=True,
    # An author waits for a failure to be told: one at a time, and without trying to explain it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # a suite is inherited by one class per backend
        HealthCheck.function_scoped_fixture,
    ],
)
"""For tests in which every example writes."""
many = settings(few, max_examples=150)
"""For tests in which an example is one question."""

TEXT: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
)
KEYS: st.SearchStrategy[str] = TEXT.filter(bool)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(INTEGERS),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from(FLOATS),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXT, JSON, max_size=5)
