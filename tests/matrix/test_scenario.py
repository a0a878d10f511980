"""One application, the same answers on every combination of backends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matrix.answers import differences
from matrix.combinations import table
from matrix.program import run
from polystore.capabilities import Feature
from polystore_memory.plugin import CAPABILITIES

if TYPE_CHECKING:
    import pytest

    from matrix.answers import Answer

NEEDED = frozenset(
    {Feature.TTL, Feature.FILTER, Feature.METRIC_COSINE, Feature.METRIC_L2, Feature.ORDERED_SCAN}
)
"""What the application's own declarations and answers cannot do without."""


async def test_the_same_answers(combination: dict[str, Any], reference: dict[str, Answer]) -> None:
    answers = await run(combination)
    assert differences(answers, reference) == []


async def test_what_is_undeclared_is_refused_and_the_rest_is_the_same(
    reference: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, capabilities in CAPABILITIES.items():
        less = replace(
            capabilities,
            features=capabilities.features & NEEDED,
            native_filters=capabilities.native_filters - {"contains_any", "starts_with"},
        )
        monkeypatch.setitem(CAPABILITIES, kind, less)
    answers = await run({"backends": {"main": {"use": "memory", "shared": "a little"}}})
    refused = {name: answer.value for name, answer in answers.items() if answer.how == "refused"}
    assert {str(value) for value in refused.values()} == {
        "text_search",
        "label_search",
        "sort_undeclared",
        "['contains_any']",
        "['starts_with']",
    }
    assert differences(answers, reference) == []


def test_the_documentation_shows_the_combinations() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "combinations.md"
    assert table() in page.read_text(encoding="utf-8"), "the table is not that of combinations.py"


def test_the_reference_answers_everything(reference: dict[str, Answer]) -> None:
    hows = [answer.how for answer in reference.values()]
    assert "refused" not in hows
    assert {how: hows.count(how) >= 20 for how in hows} == dict.fromkeys(hows, True)
