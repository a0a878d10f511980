"""Text search: whoever has a word is found, and nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polystore.errors import LimitExceeded, SchemaMismatch
from polystore.filters import F
from polystore.specdiff import SpecChange
from polystore.stores.queries import TextQuery
from polystore.types.call import Call
from polystore_postgres.schema_vector import vector_spec
from polystore_postgres.words import any_word, different_words, stored_words, words_of

from .stores import create_store as create_in_backend
from .stores import opened_backend
from .vector_stores import CALL, batch, clustered, create_store, stored_spec, table

if TYPE_CHECKING:
    from polystore_postgres.pool import Pool

TEXTS = [
    "zlib.compress(data, level=-1) packs a stream",
    "See zlib.decompress, snake_case_name and __init__",
    "mail me@example.org or https://example.org/a-b?q=1#x",
    "pi is 3.14, or 1e5, 0x1F, 12abc, v2.0.1 -7",
    "Größe STRASSE straße ΟΔΥΣΣΕΥΣ İstanbul naïve",
    "日本語 текст עברית العربية हिन्दी",
    "quotes ' \" \\ & | ! <-> :* () %_$1 ; DROP TABLE",
    "the of and a I",
    "word " * 300 + "x" * 3000,
    "",
    "!?… — 🙂",
]
QUERIES = [
    "zlib", "decompress", "compress", "snake_case_name", "snake", "__init__", "init", "example",
    "org", "a-b", "b q", "3.14", "3", "14", "1e5", "0x1f", "12abc", "abc", "v2", "7", "GRÖSSE",
    "strasse", "οδυσσευς", "istanbul", "naïve", "naive", "日本語", "日本", "עברית",
    "हिन्दी", "quotes", "DROP", "1", "_", "%_$1", "the", "A", "i", "word", "x" * 3000, "x" * 2999,
    "compress a stream of bytes", "me@example.org", "' | 'zlib", "zlib & nothing", "nothing", "🙂",
]  # fmt: skip


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


async def test_membership_is_that_of_the_words(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    ids = [f"t{i:02}" for i in range(len(TEXTS))]
    await driver.upsert(CALL, batch([*ids, "none"], clustered(12, 4, 1), texts=[*TEXTS, None]))
    for query in QUERIES:
        hits = await driver.search_text(CALL, TextQuery(query, 100))
        wanted = {id_ for id_, text in zip(ids, TEXTS, strict=True) if words(text) & words(query)}
        assert {hit.id for hit in hits} == wanted, query
        assert len(hits) == len(wanted)
        assert [(-hit.score, hit.id) for hit in hits] == sorted((-h.score, h.id) for h in hits)
        assert all(hit.distance is None for hit in hits)


async def test_more_of_the_words_rank_higher_and_ties_go_by_id(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    texts = ["red and blue", "red and green", "red and green", "nothing here"]
    await driver.upsert(CALL, batch(["d", "c", "b", "a"], clustered(4, 4, 1), texts=texts))
    hits = await driver.search_text(CALL, TextQuery("green red", 10))
    assert [hit.id for hit in hits] == ["b", "c", "d"]
    assert [hit.id for hit in await driver.search_text(CALL, TextQuery("green red", 1))] == ["b"]


async def test_text_search_keeps_to_filter_and_workspace(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields={"year": "integer"})
    vectors = clustered(4, 4, 1)
    metadata = [{"year": year} for year in range(4)]
    await driver.upsert(CALL, batch(list("abcd"), vectors, metadata, ["same text"] * 4))
    await driver.upsert(Call("other"), batch(["e"], vectors[:1], texts=["same text"]))
    hits = await driver.search_text(CALL, TextQuery("text", 10, F("year") >= 2))
    assert [hit.id for hit in hits] == ["c", "d"]
    assert hits[0].metadata == {"year": 2}
    assert hits[0].text == "same text"
    assert await driver.search_text(CALL, TextQuery("?!", 10)) == []


async def test_a_replaced_text_is_not_found_any_more(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    vectors = clustered(1, 4, 1)
    for text in ("old words", None, "new words"):
        await driver.upsert(CALL, batch(["a"], vectors, texts=[text]))
    assert await driver.search_text(CALL, TextQuery("old", 5)) == []
    assert len(await driver.search_text(CALL, TextQuery("new", 5))) == 1


async def test_a_language_reduces_words(pool: Pool) -> None:
    options = {"postgres": {"text_config": "english"}}
    driver = await create_store(pool, dimensions=4, options=options)
    texts = ["it compresses streams", "the zlib.compressing call", "a stream of bytes"]
    await driver.upsert(CALL, batch(list("abc"), clustered(3, 4, 1), texts=texts))
    found = await driver.search_text(CALL, TextQuery("compressed", 5))
    assert {hit.id for hit in found} == {"a", "b"}
    assert await driver.search_text(CALL, TextQuery("the of a", 5)) == []
    assert len(await driver.search_text(CALL, TextQuery("it's streaming' | 'x", 5))) == 2


async def test_text_search_uses_its_index(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    vectors = clustered(3000, 4, 1)
    ids = [f"{i:04}" for i in range(3000)]
    for start in range(0, 3000, 1000):
        part = slice(start, start + 1000)
        texts = [f"common rare{i}" for i in range(start, start + 1000)]
        await driver.upsert(CALL, batch(ids[part], vectors[part], texts=texts))
    await pool.execute(f"ANALYZE {table()}")
    rows = await pool.fetch(
        f"EXPLAIN SELECT id FROM {table()} WHERE workspace = $1 AND words @@ $2::text::tsquery",
        "acme",
        any_word(["rare7", "rare8"]),
    )
    assert any("vec_chunks_using_gin_words" in row[0] for row in rows)


@settings(deadline=None)  # a busy machine is no fault
@given(st.text(max_size=60), st.text(max_size=20))
def test_asked_and_stored_words_agree(text: str, query: str) -> None:
    stored = stored_words(text, "simple")
    assert stored is not None
    assert set(stored.split()) == words(text)
    asked = different_words(query)
    assert len(asked) == len(set(asked))
    assert set(asked) == words(query)


def test_long_words_are_told_apart() -> None:
    one, other = words_of("a" * 600 + "b"), words_of("a" * 600 + "c")
    assert one != other
    assert len(one[0]) < 200


def test_more_words_than_the_server_takes_are_refused() -> None:
    assert stored_words("word " * 10**6, "simple") == "word"
    with pytest.raises(LimitExceeded, match="different words"):
        stored_words(" ".join(f"w{i}" for i in range(200_000)), "simple")


async def test_another_language_is_refused_for_words_that_are_stored(postgres_dsn: str) -> None:
    async with opened_backend(postgres_dsn) as backend:
        await create_in_backend(backend, vector_spec(stored_spec(dimensions=4)))
        options = {"postgres": {"text_config": "english"}}
        changed = stored_spec(dimensions=4, options=options)
        with pytest.raises(SchemaMismatch, match="text_config"):
            await backend.apply_change(changed, SpecChange("update_spec", "note new settings"))
        harmless = stored_spec(dimensions=4, options={"postgres": {"fillfactor": 80}})
        await backend.apply_change(harmless, SpecChange("update_spec", "note new settings"))
        assert (await backend.catalogue())["chunks"].spec == harmless.spec
