"""Text search: what comes first, and that nothing is missed however common the words are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from polystore.filters import F
from polystore.stores.queries import TextQuery
from polystore.types.call import Call
from polystore_postgres import vector_text
from polystore_postgres.vector_text import K1, B

from .test_vector_text import words
from .vector_stores import CALL, batch, clustered, create_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore.types.records import Hits
    from polystore_postgres.pool import Pool
    from polystore_postgres.vector import PostgresVector


async def fill(driver: PostgresVector, texts: Mapping[str, str | None], call: Call = CALL) -> None:
    metadata = [{"n": number} for number in range(len(texts))]
    vectors = clustered(len(texts), 4, 1)
    await driver.upsert(call, batch(list(texts), vectors, metadata, list(texts.values())))


async def ask(driver: PostgresVector, text: str, k: int = 10, call: Call = CALL) -> list[str]:
    return ids(await driver.search_text(call, TextQuery(text, k)))


def ids(hits: Hits) -> list[str]:
    return [hit.id for hit in hits]


def ranked(texts: dict[str, str], query: str) -> list[tuple[str, float]]:
    """The formula in plain Python."""
    having = {
        word: sum(word in words(text) for text in texts.values()) for word in sorted(words(query))
    }
    average = sum(len(words(text)) for text in texts.values()) / len(texts)
    found: list[tuple[str, float]] = []
    for id_, text in texts.items():
        idf = [
            math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            for word, n in having.items()
            if word in words(text)
        ]
        norm = (K1 + 1) / (1 + K1 * (1 - B + B * len(words(text)) / average))
        if idf:
            found.append((id_, norm * sum(idf)))
    return sorted(found, key=lambda pair: (-round(pair[1], 9), pair[0]))


async def test_a_rare_word_beats_two_common_ones(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    texts: dict[str, str | None] = {f"c{i:02}": "a lot of things" for i in range(30)}
    await fill(driver, texts | {"rare": "to compress many things", "none": None})
    found = await ask(driver, "compress a stream of bytes")
    assert found == ["rare", *(f"c{i:02}" for i in range(9))]
    assert len(await ask(driver, "compress a stream of bytes", 100)) == 31


def vocabulary_texts(number: int, seed: int) -> dict[str, str]:
    """Texts of the words w0 to w79, the first of which are common and the last rare."""
    chance = np.random.default_rng(seed)
    return {
        f"t{i:03}": " ".join(
            f"w{int(80 * chance.random() ** 3)}" for _ in range(chance.integers(1, 31))
        )
        for i in range(number)
    }


QUERIES = (
    "w79",
    "w0 w1",
    "w0 w70 w3",
    "w78 w77 w40 w2",
    "W5 w6; w7!",
    " ".join(map("w{}".format, range(80))),
)


@pytest.mark.parametrize("first", [0, 10, 60, 4_000])
async def test_the_rank_is_the_formula(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    # However many records are looked up before the others, the answers are the same.
    monkeypatch.setattr(vector_text, "_FIRST_RECORDS", first)
    # Every word is counted, none estimated from the sample.
    monkeypatch.setattr(vector_text, "_FREQUENT", 1_001)
    driver = await create_store(pool, dimensions=4)
    texts = vocabulary_texts(300, 1)
    await fill(driver, texts)
    for query in QUERIES:
        expected = ranked(texts, query)
        for k in (1, 7, 1_000):
            hits = await driver.search_text(CALL, TextQuery(query, k))
            assert ids(hits) == [id_ for id_, _ in expected[:k]], (query, k)
            assert [hit.score for hit in hits] == pytest.approx([s for _, s in expected[:k]])
            assert hits.exact


async def test_words_estimated_from_all_rank_as_if_counted(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    texts = vocabulary_texts(300, 2)  # fewer than the sample, which is therefore all of them
    await fill(driver, texts)
    for query in QUERIES:
        assert await ask(driver, query, 1_000) == [id_ for id_, _ in ranked(texts, query)]


async def test_where_not_all_are_ranked_rare_words_still_come_first(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_text, "_FIRST_RECORDS", 5)
    monkeypatch.setattr(vector_text, "_MOST_RECORDS", 20)
    driver = await create_store(pool, dimensions=4)
    texts: dict[str, str | None] = {f"c{i:02}": "common words" for i in range(90)}
    rare: dict[str, str | None] = {"z1": "common gem", "z2": "gem words"}
    await fill(driver, texts | rare)
    hits = await driver.search_text(CALL, TextQuery("common gem", 10))
    assert ids(hits)[:2] == ["z1", "z2"]
    assert (len(hits), len(set(ids(hits))), hits.exact) == (10, 10, False)
    two = await driver.search_text(CALL, TextQuery("common gem", 2))
    assert (ids(two), two.exact) == (["z1", "z2"], True)
    everything = await driver.search_text(CALL, TextQuery("common gem", 92))
    assert (len(everything), everything.exact) == (92, True)
    last = F("n") >= 80
    filtered = await driver.search_text(CALL, TextQuery("common gem", 12, last))
    assert ids(filtered) == ["z1", "z2", *(f"c{i}" for i in range(80, 90))]
    assert filtered.exact


async def test_each_workspace_has_its_own_statistics(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    here, there = Call("here"), Call("there")
    both: dict[str, str | None] = {"cat": "cat food", "dog": "dog food"}
    await fill(driver, both | {f"x{i}": "cat toy" for i in range(20)}, here)
    await fill(driver, both | {f"x{i}": "dog toy" for i in range(20)}, there)
    assert await ask(driver, "cat dog", 1, here) == ["dog"]
    assert await ask(driver, "cat dog", 1, there) == ["cat"]
    assert len(await ask(driver, "cat dog", 50, there)) == 22


async def test_statistics_that_are_out_of_date_hide_nothing(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_text, "_FIRST_RECORDS", 3)
    driver = await create_store(pool, dimensions=4)
    assert await ask(driver, "new old") == []
    await fill(driver, {f"n{i}": "new" for i in range(5)} | {"o": "old"})
    assert sorted(await ask(driver, "new old")) == ["n0", "n1", "n2", "n3", "n4", "o"]
    await driver.clear(CALL)
    assert await ask(driver, "new old") == []


async def test_a_text_of_very_many_words_is_searched_for(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    await fill(driver, {"first": "w1 x", "last": "w2999 x", "other": "nothing"})
    found = await ask(driver, " ".join(f"w{i}" for i in range(3_000)))
    assert found == ["first", "last"]


@pytest.mark.parametrize("query", ["the running of streams", "the of a", "snake_case_name run"])
async def test_a_language_ranks_what_words_are_reduced_to(pool: Pool, query: str) -> None:
    options = {"postgres": {"text_config": "english"}}
    driver = await create_store(pool, dimensions=4, options=options)
    texts: dict[str, str | None] = {f"s{i:02}": "a stream of it" for i in range(20)}
    await fill(driver, texts | {"run": "he runs the snake_case_name"})
    found = await ask(driver, query, 50)
    expected: dict[str, Sequence[str]] = {
        "the running of streams": ["run", *texts],
        "the of a": [],
        "snake_case_name run": ["run"],
    }
    assert found == expected[query]
