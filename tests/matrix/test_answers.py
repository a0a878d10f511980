"""The comparison sees faults: a matrix that could not fail would prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from matrix.answers import Answer, Notes, differences
from matrix.conftest import MEMORY
from matrix.program import run
from polystore_memory.doc import MemoryDoc
from polystore_memory.graph import MemoryGraph
from polystore_memory.kv import MemoryKV
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("how", "ours", "reference", "said"),
    [
        ("exact", [1, 2], [1, 2], ""),
        ("exact", [1.0], [1], ""),
        ("exact", [2, 1], [1, 2], "[2, 1] instead of [1, 2]"),
        ("exact", {"a": [1]}, {"a": [True]}, '{"a": [1]} instead of {"a": [true]}'),
        ("members", ["a"], ["a", "b"], '["a"] instead of ["a", "b"]'),
        ("scored", [["a", 0.5]], [["a", 0.500009]], ""),
        ("scored", [["a", 0.5]], [["a", 0.50002]], "place 0 has score 0.5 instead of 0.50002"),
        ("scored", [["b", 0.5], ["a", 0.5]], [["a", 0.5], ["b", 0.5]], ""),
        ("scored", [["a", 0.9], ["c", 0.5]], [["a", 0.9], ["b", 0.5]], ""),
        ("scored", [["c", 0.9], ["b", 0.5]], [["a", 0.9], ["b", 0.5]], "a is missing"),
        ("scored", [["b", 0.9], ["a", 0.5]], [["a", 0.9], ["b", 0.5]], "b has score 0.9 instead"),
        ("scored", [], [["a", 0.9]], "0 hits instead of 1"),
        ("scored", [["a", 0.9], ["a", 0.9]], [["a", 0.9], ["b", 0.9]], "a comes twice"),
        ("recalled", [list("abcdefghix")], [list("abcdefghij")], ""),
        ("recalled", [list("abcdefghxy")], [list("abcdefghij")], "recall 0.800"),
        ("recalled", [list("aaaaaaaaaa")], [list("abcdefghij")], "recall 0.100"),
        ("recalled", [["a"], []], [["a"], ["b"]], "[1, 0] hits instead of [1, 1]"),
    ],
)
def test_a_difference_is_told(how: Any, ours: Any, reference: Any, said: str) -> None:
    told = differences({"q": Answer(how, ours)}, {"q": Answer(how, reference)})
    assert [one[: len(said) + 3] for one in told] == ([f"q: {said}"] if said else [])


def test_the_same_questions_are_asked() -> None:
    one, other = {"a": Answer("exact", 1)}, {"b": Answer("exact", 1)}
    assert differences(one, other) == ["a: asked only here", "b: not asked"]


def test_answers_are_plain_data() -> None:
    with pytest.raises(TypeError):
        Notes().exact("a", object())
    notes = Notes()
    notes.exact("a", 1)
    with pytest.raises(AssertionError, match="a is asked twice"):
        notes.exact("a", 1)


def _last_lost(answer: Any) -> Any:
    return answer[:-1]


def _page_lost(page: Any) -> Any:
    page.items = page.items[1:]
    return page


def _hit_lost(hits: Any) -> Any:
    del hits[-1:]
    return hits


def _one_more(count: int) -> int:
    return count + 1


def _worse(answer: Any) -> Any:
    for hits in answer:
        for hit in hits:
            hit.score -= 1e-4
    return answer


FAULTS: list[tuple[type, str, Callable[[Any], Any], str]] = [
    (MemoryKV, "scan_page", _page_lost, "kv: scan"),
    (MemoryKV, "count", _one_more, "kv: count"),
    (MemoryDoc, "find", lambda found: found[::-1], "doc: by"),
    (MemoryDoc, "count_by", _last_lost, "doc: count by status"),
    (MemoryDoc, "delete_where", _one_more, "doc: deleted by filter"),
    (MemoryVector, "search", _worse, "vector: exact 0"),
    (MemoryVector, "search_text", _hit_lost, "vector: words 'storage'"),
    (MemoryVector, "count_where", _one_more, "vector: paper: count"),
    (
        MemoryGraph,
        "neighbors",
        lambda found: [one[::-1] for one in found],
        "graph: neighbours both",
    ),
    (MemoryGraph, "find_nodes", _last_lost, "graph: label"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0].__name__}.{fault[1]}")
async def test_a_backend_that_errs_is_seen(
    fault: tuple[type, str, Callable[[Any], Any], str],
    reference: dict[str, Answer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver, hook, spoil, question = fault
    right = getattr(driver, hook)

    async def wrong(*args: Any, **kwargs: Any) -> Any:
        return spoil(await right(*args, **kwargs))

    monkeypatch.setattr(driver, hook, wrong)
    main = {**MEMORY["backends"]["main"], "shared": f"{driver.__name__} {hook}"}
    told = differences(await run({"backends": {"main": main}}), reference)
    assert any(one.startswith(question) for one in told), told
