"""Broken vector stores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from broken.fault import broken, broken_by
from polystore.types.batches import Stamp
from polystore.types.records import Hit, Hits
from polystore_memory.vector import MemoryVector

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from polystore.filters import Filter
    from polystore.stores.queries import SearchQuery, TextQuery
    from polystore.types.batches import VectorBatch
    from polystore.types.call import Call

MANY = 10**6


def like(hits: Hits, changed: list[Hit]) -> Hits:
    """Return other hits, found in the same way."""
    return Hits(changed, exact=hits.exact, plan=hits.plan)


@broken("vector/search/test_formulas")
class ReversesScores(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        answers = await super().search(call, query)
        return [like(hits, [replace(h, score=-h.score) for h in hits]) for hits in answers]


@broken("vector/search/test_exact_search_equals_numpy")
class FarthestFirst(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        answers = await super().search(call, replace(query, k=MANY))
        return [like(hits, hits[::-1][: query.k]) for hits in answers]


@broken("vector/search/test_formulas")
class SquaresDistances(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        answers = await super().search(call, query)
        return [like(hits, [self._squared(hit) for hit in hits]) for hits in answers]

    def _squared(self, hit: Hit) -> Hit:
        distance = (hit.distance or 0.0) ** 2
        return replace(hit, score=1 / (1 + distance)) if self._metric == "l2" else hit


@broken("vector/search/test_ties_are_by_id")
class HitTiesDescend(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        answers = await super().search(call, replace(query, k=MANY))
        for hits in answers:
            hits.sort(key=lambda hit: hit.id, reverse=True)
            hits.sort(key=lambda hit: -hit.score)
        return [like(hits, hits[: query.k]) for hits in answers]


@broken("vector/search/test_min_score")
class IgnoresMinScore(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        return await super().search(call, replace(query, min_score=None))


@broken("vector/filters/test_filter_operator[search-eq]")
class SearchDropsFilters(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        return await super().search(call, replace(query, filter=None))


@broken("vector/starved/test_a_rare_filter_does_not_starve")
class FiltersAfterSearching(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        answers = await super().search(call, replace(query, filter=None))
        page = await self.scan_page(call, query.filter, None, MANY, with_vectors=False)
        matching = {record.id for record in page.items}
        return [like(hits, [hit for hit in hits if hit.id in matching]) for hits in answers]


@broken("vector/starved/test_large_k")
class StopsAtTen(MemoryVector):
    @override
    async def search(self, call: Call, query: SearchQuery) -> list[Hits]:
        return await super().search(call, replace(query, k=min(query.k, 10)))


@broken("vector/basics/test_vectors_are_exact")
class HalfPrecision(MemoryVector):
    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        with np.errstate(over="ignore"):
            half = batch.vectors.astype(np.float16).astype(np.float32)
        await super().upsert(call, replace(batch, vectors=half))


@broken("vector/basics/test_vectors_are_exact")
class NormalisesVectors(MemoryVector):
    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        lengths = np.linalg.norm(batch.vectors.astype(np.float64), axis=1, keepdims=True)
        scaled = (batch.vectors / np.where(lengths == 0, 1, lengths)).astype(np.float32)
        await super().upsert(call, replace(batch, vectors=scaled))


@broken("vector/basics/test_metadata_and_texts")
class EmptyTextIsNone(MemoryVector):
    @override
    async def upsert(self, call: Call, batch: VectorBatch) -> None:
        await super().upsert(call, replace(batch, texts=[text or None for text in batch.texts]))


@broken("vector/deletes/test_by_filter")
class DeletesAllRecords(MemoryVector):
    @override
    async def delete_where(self, call: Call, filter_: Filter) -> int:
        return await self.clear(call)


@broken("vector/texts/test_membership")
class NeedsEveryWord(MemoryVector):
    @override
    async def search_text(self, call: Call, query: TextQuery) -> Hits:
        hits = await super().search_text(call, query)
        wanted = query.text.casefold().split()
        kept = [hit for hit in hits if all(w in (hit.text or "").casefold() for w in wanted)]
        return like(hits, kept)


@broken("vector/metadata/test_absent_ids_come_back_in_order")
class PatchesTheAbsent(MemoryVector):
    @override
    async def patch_metadata(
        self, call: Call, ids: list[str], patches: list[dict[str, Any]]
    ) -> list[bool]:
        await super().patch_metadata(call, ids, patches)
        return [True for _ in ids]


@broken_by("vector/metadata/test_patches_merge")
def metadata_patch_replaces(patch: pytest.MonkeyPatch) -> None:
    def merge(_old: Any, new: dict[str, Any]) -> dict[str, Any]:
        return dict(new)

    patch.setattr("polystore_memory.vector.merge_patch", merge)


@broken("vector/derived/test_overrides_equal_the_derived_ones")
class CountsTheWholeStore(MemoryVector):
    @override
    async def count_where(self, call: Call, filter_: Filter) -> int:
        return await self.count(call)


@broken("backend/generations/test_records_are_carried_over_what_was_seen")
class CarriesOverAnything(MemoryVector):
    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        records = await self.get_many(call, batch.ids, with_vectors=False)
        now = [0 if record is None else record.version for record in records]
        return await super().carry(call, batch, stamps, now)


@broken("backend/generations/test_records_are_carried_over_what_was_seen")
class DeletesWhatWasWrittenMeanwhile(MemoryVector):
    @override
    async def delete_seen(self, call: Call, ids: list[str], seen: Sequence[int]) -> int:
        return await self.delete_many(call, ids)


@broken("backend/generations/test_filled_switched_and_dropped")
class CarriesWithoutTimes(MemoryVector):
    @override
    async def carry(
        self, call: Call, batch: VectorBatch, stamps: Sequence[Stamp], seen: Sequence[int]
    ) -> list[bool]:
        now = self.space.now()
        stamps = [Stamp(version, now, now) for version, _, _ in stamps]
        return await super().carry(call, batch, stamps, seen)
