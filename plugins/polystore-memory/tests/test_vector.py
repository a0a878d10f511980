"""Nearness and text search against the plain formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polystore.filters import F
from polystore.specdiff import StoredSpec
from polystore.specs import VectorSpec
from polystore.stores import nearness
from polystore.stores.queries import SearchQuery, TextQuery
from polystore.types.batches import VectorBatch
from polystore.types.call import Call
from polystore_memory.space import Space
from polystore_memory.vector import MemoryVector
from polystore_memory.words import words

if TYPE_CHECKING:
    from polystore.specs import Metric

CALL = Call("acme")


def make(metric: Metric = "cosine", dimensions: int = 2) -> MemoryVector:
    spec = VectorSpec(name="v", dimensions=dimensions, metric=metric)
    return MemoryVector(Space(), StoredSpec(spec), spec)


def batch(
    rows: dict[str, list[float]], texts: dict[str, str] | None = None, metadata: bytes = b"{}"
) -> VectorBatch:
    return VectorBatch(
        list(rows),
        np.array(list(rows.values()), np.float32),
        [(texts or {}).get(id_) for id_ in rows],
        [{} for _ in rows],
        [metadata] * len(rows),
    )


def query(vector: list[float], k: int = 10, **more: object) -> SearchQuery:
    return SearchQuery(np.array([vector], np.float32), k, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("cosine", [("a", 1.0, 0.0), ("c", math.sqrt(0.5), 1 - math.sqrt(0.5)), ("b", 0.0, 1.0)]),
        ("ip", [("c", 3.0, -3.0), ("a", 2.0, -2.0), ("b", 0.0, 0.0)]),
        (
            "l2",
            [
                ("a", 0.5, 1.0),
                ("b", 1 / (1 + math.sqrt(5)), math.sqrt(5)),
                ("c", 1 / (1 + math.sqrt(13)), math.sqrt(13)),
            ],
        ),
    ],
)
async def test_scores_and_distances(
    metric: Metric, expected: list[tuple[str, float, float]]
) -> None:
    driver = make(metric)
    await driver.upsert(CALL, batch({"a": [2, 0], "b": [0, 2], "c": [3, 3]}))
    hits = (await driver.search(CALL, query([1, 0])))[0]
    assert [hit.id for hit in hits] == [id_ for id_, _, _ in expected]
    for hit, (_, score, distance) in zip(hits, expected, strict=True):
        assert hit.score == pytest.approx(score, abs=1e-9)
        assert hit.distance == pytest.approx(distance, abs=1e-9)
    assert hits.exact
    assert hits.plan == "exact"


async def test_equal_vectors_tie_by_id_wherever_they_stand() -> None:
    driver = make(dimensions=37)
    vector = np.random.default_rng(1).normal(size=37)
    ids = [f"{i:05}" for i in range(5000)]
    for start in range(0, 5000, 1000):
        part = ids[start : start + 1000]
        scaled = {id_: list(vector * (1 + int(id_) % 7)) for id_ in part}
        await driver.upsert(CALL, batch(scaled))
    hits = (await driver.search(CALL, query(list(vector), k=5000)))[0]
    assert [hit.id for hit in hits] == ids
    assert len({hit.score for hit in hits}) == 1


async def test_a_search_sees_each_write_and_the_filter_comes_first() -> None:
    driver = make()
    await driver.upsert(CALL, batch({"a": [1, 0], "b": [1, 0]}, metadata=b'{"n":1}'))
    await driver.upsert(CALL, batch({"c": [0, 1]}, metadata=b'{"n":2}'))
    ids = [hit.id for hit in (await driver.search(CALL, query([1, 0])))[0]]
    assert ids == ["a", "b", "c"]
    only = (await driver.search(CALL, query([1, 0], k=1, filter=F("n") == 2)))[0]
    assert [hit.id for hit in only] == ["c"]
    await driver.delete_many(CALL, ["a"])
    assert [hit.id for hit in (await driver.search(CALL, query([1, 0])))[0]] == ["b", "c"]
    await driver.clear(CALL)
    assert (await driver.search(CALL, query([1, 0])))[0] == []


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 1.0]), max_size=30),
    st.integers(1, 40),
    st.none() | st.sampled_from([0.25, 0.3]),
)
def test_best_is_a_stable_sort(scores: list[float], k: int, least: float | None) -> None:
    kept = [i for i, score in enumerate(scores) if least is None or score >= least]
    expected = sorted(kept, key=lambda i: -scores[i])[:k]
    assert nearness.best(np.array(scores, np.float64), k, least) == expected


async def test_a_patch_merges_metadata_and_keeps_the_rest() -> None:
    driver = make()
    await driver.upsert(CALL, batch({"a": [1, 0]}, {"a": "word"}, b'{"x":{"y":1,"z":2}}'))
    assert await driver.patch_metadata(CALL, ["a", "b"], [{"x": {"y": None}, "t": (1, 2)}, {}]) == [
        True,
        False,
    ]
    found = (await driver.get_many(CALL, ["a"], with_vectors=True))[0]
    assert found is not None
    assert found.metadata == {"x": {"z": 2}, "t": [1, 2]}
    assert found.text == "word"
    assert len(await driver.search_text(CALL, TextQuery("word", 5))) == 1


def test_words_are_runs_of_word_characters_in_one_case() -> None:
    assert words("Straße, STRASSE foo_bar (x-y) ünï") == {
        "strasse": 2,
        "foo_bar": 1,
        "x": 1,
        "y": 1,
        "ünï": 1,
    }


async def test_text_search_ranks_by_bm25() -> None:
    driver = make()
    texts = {"a": "red fox", "b": "red red dog runs", "c": "blue bird", "d": "RED"}
    await driver.upsert(CALL, batch({id_: [1.0, 0.0] for id_ in "abcde"}, texts))
    hits = await driver.search_text(CALL, TextQuery("Red! fox", 10))
    average, number = 9 / 4, 4
    red = math.log(1 + (number - 3 + 0.5) / 3.5)
    fox = math.log(1 + (number - 1 + 0.5) / 1.5)

    def part(tf: int, length: int) -> float:
        return tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / average))

    expected = {
        "a": (red + fox) * part(1, 2),
        "b": red * part(2, 4),
        "d": red * part(1, 1),
    }
    assert {hit.id: hit.score for hit in hits} == pytest.approx(expected)
    assert [hit.id for hit in hits] == sorted(expected, key=lambda id_: -expected[id_])
    assert all(hit.distance is None for hit in hits)


@pytest.mark.parametrize("text", ["", "  ", "!?", "unknown"])
async def test_a_query_without_known_words_finds_nothing(text: str) -> None:
    driver = make()
    await driver.upsert(CALL, batch({"a": [1, 0], "b": [1, 0]}, {"a": "", "b": "? !"}))
    assert await driver.search_text(CALL, TextQuery(text, 5)) == []


async def test_text_hits_tie_by_id_and_obey_the_filter() -> None:
    driver = make()
    texts = dict.fromkeys("cab", "same words")
    await driver.upsert(CALL, batch({"c": [1.0, 0.0], "a": [1.0, 0.0]}, texts, b'{"n":1}'))
    await driver.upsert(CALL, batch({"b": [1.0, 0.0]}, texts, b'{"n":2}'))
    hits = await driver.search_text(CALL, TextQuery("words same", 2))
    assert [hit.id for hit in hits] == ["a", "b"]
    hits = await driver.search_text(CALL, TextQuery("words same", 2, F("n") == 1))
    assert [hit.id for hit in hits] == ["a", "c"]
