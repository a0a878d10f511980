"""Text search by membership, and its fusion with vector search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from polystore.capabilities import Feature
from polystore.errors import InvalidRecord
from polystore.stores.fusion import fuse
from polystore.testing.checks import assert_raises, declared, fresh_workspace
from polystore.testing.outcomes import not_applicable
from polystore.testing.values import ODD_TEXTS, REFUSED_TEXTS
from polystore.testing.vector.base import VectorTests, random_vectors, record, unit
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.vector import VectorStore

TEXTS = {
    "one": "The zebra looked at the quartz",
    "two": "zebra, zebra; zebra! Nothing else.",
    "three": "A QUARTZ clock",
    "four": "violet (quartz) violet",
    "five": "nothing of interest",
    "six": 'Zebra\'s "violet" 100%',
    "seven": None,
    "eight": "",
    "nine": "naïve Übermut",
    "ten": "zebraquartz and inzebra",
}


async def search_text(vectors: VectorStore) -> None:
    """Use what `text_search` declares."""
    await vectors.search_text("zebra")


async def hybrid(vectors: VectorStore) -> None:
    """Use what `text_search` declares, in `hybrid`."""
    await vectors.hybrid("zebra", unit(0))


async def fill(vectors: VectorStore) -> None:
    """Store the texts, with differing vectors."""
    matrix = random_vectors(len(TEXTS), seed=30)
    await vectors.upsert(
        VectorRecord(id_, row, text, {"n": n})
        for n, ((id_, text), row) in enumerate(zip(TEXTS.items(), matrix, strict=True))
    )


class VectorTexts(VectorTests):
    """Text and hybrid search."""

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_membership(self, vectors: VectorStore) -> None:
        """Records that have any of the words come back, whatever the letter case; no others."""
        await fill(vectors)
        expected = {
            "zebra": {"one", "two", "six"},
            "ZEBRA": {"one", "two", "six"},
            "quartz": {"one", "three", "four"},
            "zebra quartz": {"one", "two", "three", "four", "six"},
            "violet absentword": {"four", "six"},
            "naïve": {"nine"},
            "übermut": {"nine"},
            "absentword": set[str](),
        }
        for text, ids in expected.items():
            hits = await vectors.search_text(text, k=50)
            assert {hit.id for hit in hits} == ids, text
            assert len(hits) == len(ids)

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_no_query_language(self, vectors: VectorStore) -> None:
        """Operators, quotes and wildcards of query languages are nothing but separators."""
        await fill(vectors)
        both = {"one", "two", "three", "four", "six"}
        for text in (
            "zebra & quartz",
            "zebra & !quartz",
            "zebra -quartz",
            '"zebra quartz"',
            "zebra <-> quartz",
            "zebra | quartz:*",
            "(zebra) NEAR/2 quartz",
            "@field:zebra quartz",
            "zebra' quartz\\",
            "zebra:quartz",
            "zebra\nquartz",
        ):
            assert {hit.id for hit in await vectors.search_text(text, k=50)} == both, text
        for text in ODD_TEXTS:
            found = {hit.id for hit in await vectors.search_text(text, k=50)}
            assert found <= set(TEXTS), text
        for text in ("", " ", "!", "&", "()", "'", "\\", ":*", "<->"):
            assert list(await vectors.search_text(text)) == [], text

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_hits(self, vectors: VectorStore) -> None:
        """Hits come whole, best first, ties by id, at most k, without a distance."""
        await vectors.upsert(
            VectorRecord(id_, unit(0), "zebra", {"x": id_}) for id_ in ("b", "a", "C", "é", "10")
        )
        hits = await vectors.search_text("zebra", k=10)
        assert [hit.id for hit in hits] == ["10", "C", "a", "b", "é"]
        assert [hit.metadata for hit in hits] == [{"x": hit.id} for hit in hits]
        assert {(hit.text, hit.distance, hit.vector) for hit in hits} == {("zebra", None, None)}
        assert [hit.id for hit in await vectors.search_text("zebra", k=2)] == ["10", "C"]
        await fill(vectors)
        hits = await vectors.search_text("zebra quartz violet", k=50)
        assert [h.id for h in hits] == [h.id for h in sorted(hits, key=lambda h: (-h.score, h.id))]

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_follows_writes(self, vectors: VectorStore) -> None:
        """A replaced, removed or deleted text is not found any more."""
        await fill(vectors)
        await vectors.upsert([VectorRecord("one", unit(0), "now violet")])
        await vectors.upsert([VectorRecord("two", unit(0), None)])
        await vectors.update_metadata({"six": {"n": None}})
        assert {hit.id for hit in await vectors.search_text("zebra")} == {"six"}
        await vectors.delete("six")
        assert {hit.id for hit in await vectors.search_text("zebra violet")} == {"one", "four"}

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_with_a_filter(self, vectors: VectorStore) -> None:
        """A filter holds for text search too, and does not starve it."""
        await fill(vectors)
        if Feature.FILTER not in (await vectors.capabilities()).features:
            not_applicable("searches take no filter")
            return
        hits = await vectors.search_text("zebra quartz", k=2, filter={"n": {"$gte": 2}})
        assert len(hits) == 2
        assert {hit.id for hit in hits} <= {"three", "four", "six"}

    @declared(Feature.TEXT_SEARCH, otherwise=search_text)
    async def test_texts_of_other_workspaces(self, vectors: VectorStore, client: Polystore) -> None:
        """Text search sees its own workspace only."""
        other = client.workspace(fresh_workspace()).vector("kit_vectors")
        await fill(other)
        await vectors.upsert([VectorRecord("mine", unit(0), "zebra")])
        assert [hit.id for hit in await vectors.search_text("zebra")] == ["mine"]
        assert len(await other.search_text("zebra")) == 3

    @declared(Feature.TEXT_SEARCH, otherwise=hybrid)
    async def test_hybrid_is_reciprocal_rank_fusion(self, vectors: VectorStore) -> None:
        """Hybrid search is the fusion of the two rankings, with weights, ties by id."""
        await fill(vectors)
        query = random_vectors(1, seed=31)[0]
        for k in (1, 3, 20):
            for weights in ((1.0, 1.0), (0.0, 1.0), (5.0, 0.5)):
                hits = await vectors.hybrid("zebra violet", query, k=k, weights=weights, exact=True)
                by_vector = await vectors.search(query, k=4 * k, exact=True)
                by_text = await vectors.search_text("zebra violet", k=4 * k)
                expected = fuse([(by_vector, weights[0]), (by_text, weights[1])], k)
                assert [hit.id for hit in hits] == [hit.id for hit in expected]
                assert np.allclose([h.score for h in hits], [h.score for h in expected])
                assert all(hit.distance is None for hit in hits)

    async def test_refused_texts(self, vectors: VectorStore) -> None:
        """NUL and lone surrogates are refused, as a query and as a record's text."""
        await vectors.upsert([record("a")])
        for text in REFUSED_TEXTS:
            await assert_raises(InvalidRecord, lambda text=text: vectors.search_text(text))
            await assert_raises(
                InvalidRecord,
                lambda text=text: vectors.upsert([VectorRecord("a", unit(1), text)]),
            )
        stored = await vectors.get("a")
        assert stored is not None
        assert stored.text is None
