"""The tests of filters, the same for documents, vector metadata and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.errors import UnsupportedError
from polystore.filters import OPERATORS, Compare, F, parse_filter
from polystore.testing.checks import assert_raises
from polystore.testing.filters.cases import Cases, system_cases
from polystore.testing.filters.strategies import filters_on
from polystore.testing.opening import Suite
from polystore.testing.outcomes import note_answered, note_declared, note_refused
from polystore.testing.strategies import many

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.filters import Filter
    from polystore.testing.filters.corpus import Corpus

MOST_SHOWN = 5


class FilterTests(Suite):
    """Every operator against the definition; the fixture `corpus` holds the rows."""

    @pytest.mark.parametrize("operator", OPERATORS)
    async def test_filter_operator(self, corpus: Corpus, operator: str) -> None:
        """An operator answers as defined, for every kind of operand; or is refused, undeclared."""
        declared = operator in corpus.capabilities.filters
        note_declared(f"filter {operator}", declared=declared)
        cases = Cases(corpus.main_paths, corpus.capabilities.limits.max_exact_integer)
        await agree(corpus, cases.of(operator))

    @pytest.mark.parametrize("operator", ["exists", "is_null", "eq", "ne", "contains", "gt"])
    async def test_filter_odd_paths(self, corpus: Corpus, operator: str) -> None:
        """Keys with dots, quotes and wildcards, empty keys, paths through scalars: as defined."""
        largest = corpus.capabilities.limits.max_exact_integer
        for path in corpus.all_paths:
            usual = list(Cases([path], largest).of(operator))[::5]
            await agree(corpus, usual)

    async def test_filter_system_fields(self, corpus: Corpus) -> None:
        """id, version, created_at and updated_at can be asked for, apart from the user's fields."""
        await agree(corpus, system_cases(corpus.rows))

    @pytest.mark.parametrize("operator", OPERATORS)
    async def test_filter_count(self, corpus: Corpus, operator: str) -> None:
        """Counting agrees with finding."""
        cases = Cases(corpus.main_paths[:1], corpus.capabilities.limits.max_exact_integer)
        for filter_ in list(cases.of(operator))[::7]:
            if corpus.can(filter_):
                assert await corpus.count(filter_) == len(corpus.expected(filter_)), filter_

    async def test_filter_dict_form(self, corpus: Corpus) -> None:
        """A filter in dict form means what the built one means."""
        path = corpus.main_paths[0]
        forms: list[tuple[dict[str, Any], Filter]] = [
            ({str(path): 1}, Compare(path, "eq", 1)),
            ({str(path): {"$gte": 1, "$lt": 10}}, (F(path) >= 1) & (F(path) < 10)),
            ({"$not": {str(path): {"$in": [1, "a"]}}}, ~F(path).is_in([1, "a"])),
        ]
        for form, filter_ in forms:
            assert parse_filter(form) == filter_
            if corpus.can(filter_):
                assert await corpus.ids(form) == await corpus.ids(filter_)

    @many
    @given(data=st.data())
    async def test_any_filter(self, corpus: Corpus, data: st.DataObject) -> None:
        """Whatever filter is asked, the answer is that of the definition."""
        largest = corpus.capabilities.limits.max_exact_integer
        filter_ = data.draw(filters_on((*corpus.main_paths, *corpus.all_paths), largest))
        await agree(corpus, [filter_])
        if corpus.can(filter_):
            assert await corpus.count(filter_) == len(corpus.expected(filter_))


async def agree(corpus: Corpus, filters: Iterable[Filter]) -> None:
    """Fail where the store's answers differ from the definition; undeclared ones are refused."""
    problems: list[str] = []
    for filter_ in filters:
        lacking = corpus.lacking(filter_)
        if lacking:
            await assert_raises(UnsupportedError, lambda f=filter_: corpus.ids(f), about=filter_)
            for what in lacking:
                note_refused(what)
            continue
        note_answered()
        problem = await corpus.problem(filter_)
        if problem is not None:
            problems.append(problem)
    shown = "\n".join(problems[:MOST_SHOWN])
    assert not problems, f"{len(problems)} filters answer otherwise than defined:\n{shown}"
